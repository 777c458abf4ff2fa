"""S5: nothing that a client sends, or a file is called, becomes a control character anywhere."""

from __future__ import annotations

import json
import logging
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import matplotlib as mpl
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from fastapi_tasks import (
    Busy,
    Recorder,
    Span,
    Task,
    TaskConfig,
    TaskRecord,
    Tasks,
    Timeline,
    add_tasks,
    from_json,
    harmless,
    load,
    save,
    to_json,
)
from fastapi_tasks.errors import RecordingError
from visualize import plot, text, to_html, to_perfetto
from visualize.live.wire import encode, end, request_line

from .asgi import Server, serving
from .strategies import unhurried

MakeApp = Callable[..., FastAPI]

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
TURNING = "\u202e\u2066\u200f\u2028\u2029\ufeff\u00ad"
NASTY = "a\nCRITICAL root\r\x1b[2J\x1b]0;owned\x07\x00\x7f\x9b2J" + TURNING


def controls(said: str, allowed: str = "") -> list[str]:
    """What is in a text that controls a terminal, a log or a page."""
    return [
        ascii(c)
        for c in said
        if c not in allowed
        and (CONTROL.match(c) or (c in TURNING) or unicodedata.category(c) == "Cs")
    ]


class TestHarmless:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("plain", "plain"),
            ("", ""),
            ("grüße 你好 🎉", "grüße 你好 🎉"),
            ("a\nb\tc", r"a\nb\tc"),
            ("\x1b[31m", r"\x1b[31m"),
            ("\x7f\x80\x9f", r"\x7f\x80\x9f"),
            ("\u202egnp.exe", r"\u202egnp.exe"),
            ("caf\udce9", r"caf\udce9"),
            ("\ud83d", r"\ud83d"),
            # Within a word of Persian, and within one emoji.
            ("می\u200cخواهم", "می\u200cخواهم"),
            ("👩\u200d💻", "👩\u200d💻"),
            ("\U000e0001", r"\U000e0001"),
        ],
    )
    def test_shows_what_can_be_shown_and_writes_the_rest(self, name: str, shown: str) -> None:
        assert harmless(name) == shown

    @given(st.text(st.characters(codec=None)))
    def test_leaves_nothing_that_controls_and_changes_nothing_twice(self, name: str) -> None:
        once = harmless(name)
        assert controls(once) == []
        assert harmless(once) == once

    @given(st.text(st.characters(categories=["L", "N", "P", "S"])))
    def test_leaves_what_people_write_alone(self, name: str) -> None:
        assert harmless(name) == name


@pytest.mark.anyio
class TestS5WhatAnAppSays:
    async def test_is_on_one_line_each_and_without_controls(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 2})
        kept: list[Any] = []

        async def fails() -> None:
            raise ValueError

        async def fails_too(task: Any, error: Exception) -> None:
            raise ValueError

        @app.get("/fails/{word}")
        async def fails_itself(word: str, tasks: Tasks) -> None:
            kept.append(tasks.after_response.task(name=NASTY).schedule(anyio.sleep, 0))
            raise type(NASTY.replace("\x00", ""), (LookupError,), {})

        @app.get("/{word}")
        async def endpoint(word: str, tasks: Tasks) -> None:
            kept.append(tasks)
            named = tasks.task(name=NASTY, on_error=fails_too)
            kept.append(named.schedule(fails))
            kept.append(named.schedule(anyio.sleep_forever))
            kept.append(tasks.task(name=NASTY, shield=True).schedule(anyio.sleep_forever))

        said: list[str] = []
        async with serving(app) as server:
            await server.get(f"/{NASTY}")
            await server.get(f"/fails/{NASTY}")
            with pytest.raises(TimeoutError) as late:
                await recorder.settled(timeout=0.5)
            said.append(str(late.value))
            for one in recorder.timelines:
                if not one.settled:
                    with pytest.raises(TimeoutError) as late:
                        recorder.wait_settled(timeout=0, of=one)
                    said.append(str(late.value))
            said += recorder.open
        with pytest.raises(Exception, match="after the app shut down") as refused:
            kept[0].task(name=NASTY).schedule(anyio.sleep, 0)
        said.append(str(refused.value))
        for task in kept:
            if isinstance(task, Task):
                said.append(repr(task))
                if not task.started.is_set():
                    with pytest.raises(RuntimeError, match="never start") as never:
                        await task.started.wait()
                    said.append(str(never.value))
        outside = await Server(app).get(f"/{NASTY}")
        said.append(str(outside.error))
        said += [
            repr(one) for timeline in recorder.timelines for one in (timeline, *timeline.tasks)
        ]
        said += [record.getMessage() for record in caplog.records]
        assert len(caplog.records) == 6
        assert [controls(one) for one in said] == [[]] * len(said)
        assert sum(harmless(NASTY) in one for one in said) > 12
        rows = [str(timeline) for timeline in recorder.timelines]
        assert [controls(row, "\n") for row in rows] == [[]] * 3
        # One line for the request, one for the headings, one for each task.
        assert [len(row.split("\n")) for row in rows] == [5, 3, 1]

    async def test_an_app_without_tasks_too(self) -> None:
        app = FastAPI()

        @app.get("/{word}")
        async def endpoint(word: str, tasks: Tasks) -> None: ...

        answer = await Server(app).get(f"/{NASTY}")
        assert harmless(NASTY) in str(answer.error)
        assert controls(str(answer.error)) == []

    @pytest.mark.parametrize("name", [7, b"mail", ["mail"], object()])
    async def test_a_name_is_text(self, make_app: MakeApp, name: Any) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            with pytest.raises(TypeError, match="the name of a task is an object of type"):
                tasks.after_route.task(name=name)
            with pytest.raises(TypeError, match="which no timeline could show: give a str"):
                TaskConfig(name=name)

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert (timeline.status, timeline.tasks) == (200, [])

    async def test_a_name_of_another_encoding_is_written_escaped_and_loses_nothing(
        self, make_app: MakeApp, recorder: Recorder, tmp_path: Any
    ) -> None:
        app = make_app()
        # As os.listdir() gives it.
        name = f"import {os.fsdecode(b'caf' + bytes([0xE9]) + b'.csv')}"

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(name=name).schedule(anyio.sleep, 0)
            tasks.task(name="other").schedule(anyio.sleep, 0)

        async with serving(app) as server:
            timeline = await server.settle("/")
        written = r"import caf\udce9.csv"
        assert timeline.tasks[0].name == name
        for back in (from_json(to_json(timeline)), saved(timeline, tmp_path / "run.jsonl")):
            assert [task.name for task in back[0].tasks] == [written, "other"]
            back[0].tasks[0].name = name
            assert back == [timeline]
        assert written in text(timeline)


def saved(timeline: Timeline, path: Any) -> list[Timeline]:
    save(timeline, path)
    return load(path)


class TestWhatAFileHolds:
    def test_is_not_said_as_it_stands(self) -> None:
        span = {"name": "x", "kind": "sql", "start": 0, "attributes": {NASTY: 7}}
        line = {"format": 1, "id": 1, "kind": "http", "method": "GET", "path": "/", "wall": 0}
        damaged = json.dumps({**line, "request_start": 0, "spans": [span]})
        with pytest.raises(RecordingError) as caught:
            from_json(damaged)
        assert controls(str(caught.value)) == []
        # Of a long one only the beginning is shown.
        assert harmless(NASTY[:40]) in str(caught.value)

    @pytest.mark.parametrize(
        "line",
        [
            f'{{"format":"{json.dumps(NASTY)[1:-1]}"}}',
            f'{{"{json.dumps(NASTY)[1:-1]}":1}}',
            NASTY,
            f'{{"format":1,"kind":"{json.dumps(NASTY)[1:-1]}"}}',
        ],
    )
    def test_nor_is_a_line_that_is_none(self, line: str) -> None:
        with pytest.raises(RecordingError) as caught:
            from_json(line.replace("\n", "").replace("\u2028", ""))
        assert controls(str(caught.value)) == []


MS = 1_000_000


def recording(name: str) -> list[Timeline]:
    """A recording in which everything that can be called so is called so."""
    timeline = Timeline(
        1, "http", name, f"/{name}", 0, 0, route=f"/{name}", process=1, endpoint_start=0,
        endpoint_end=MS, response_start=2 * MS, response_sent=3 * MS, request_end=4 * MS,
        status=200, error=name,
        tasks=[
            TaskRecord(name, "immediate", 0, 0, MS, 20 * MS, "error", name),
            TaskRecord(name, "after_response", 0, 3 * MS, 4 * MS, None, None),
        ],
        spans=[Span(name, "sql", 0, MS, error=name, attributes={name: name})],
        busy=[Busy(MS, 30 * MS, name, 0, line=name)],
    )  # fmt: skip
    return [timeline]


# What a client can send and a file can be called, and more of what hurts.
names = st.text(st.characters(codec=None), max_size=12) | st.text(
    st.sampled_from("ab\x00\t\n\r\x1b\x7f\x85\x9b\u202e\u2028\ufeff\ud800"), max_size=12
)
few = settings(unhurried, max_examples=60)


class TestS5NoPainterLetsAControlThrough:
    @few
    @given(names)
    def test_text(self, name: str) -> None:
        assert controls(text(recording(name)), "\n") == []
        assert text(recording(name)).encode()

    @few
    @given(names)
    def test_str_and_repr(self, name: str) -> None:
        (timeline,) = recording(name)
        assert controls(str(timeline), "\n") == []
        # The request; headings, two tasks; headings, a span.
        assert len(str(timeline).split("\n")) == 6
        for one in (timeline, *timeline.tasks, *timeline.spans, *timeline.busy):
            assert controls(repr(one)) == []

    @pytest.mark.parametrize("name", [NASTY, "\x1bM", "\ud800"], ids=ascii)
    def test_figure(self, name: str) -> None:
        with mpl.rc_context():
            figure = Figure(figsize=(12, 4))
            plot(recording(name), ax=figure.subplots())
            figure.draw_without_rendering()
            shown = [one.get_text() for one in figure.findobj(Text)]
        assert [controls(one, "\n") for one in shown] == [[]] * len(shown)
        assert any(harmless(name)[:4] in one for one in shown)

    @few
    @given(names)
    def test_perfetto(self, name: str) -> None:
        # Perfetto reads what the JSON means.
        trace = to_perfetto(recording(name))
        for one in strings(json.loads(trace) if isinstance(trace, (str, bytes)) else trace):
            assert controls(one) == []

    @few
    @given(names)
    def test_page(self, name: str) -> None:
        page = to_html(recording(name))
        assert controls(page, "\n\t\ufeff") == []
        assert page.encode()

    @few
    @given(names)
    def test_live_wire(self, name: str) -> None:
        """A message is lines of ASCII, and no name can end one."""
        (timeline,) = recording(name)
        said = (encode(request_line(timeline, [0, 1], [], [0])) + end(7)).decode("ascii")
        data, cursor, *rest = said.split("\n")
        assert (cursor, rest) == ("id: 7", ["", ""])
        assert controls(said, "\n") == []
        assert json.loads(data.removeprefix("data: "))["path"] == f"/{name}"


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from strings(key)
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def test_no_second_function_makes_names_harmless() -> None:
    import visualize.terminal.cells

    assert visualize.terminal.cells.harmless is harmless


def test_a_namesake_distribution_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """S4: fastapi-tasks and this one own the same import name."""
    from importlib import metadata

    import fastapi_tasks.app as module

    class Distribution:
        version = "0.1.7"

    def found(name: str) -> Any:
        assert name == "fastapi-tasks"
        return Distribution()

    with caplog.at_level(logging.WARNING):
        add_tasks(FastAPI())
        assert caplog.records == []
        monkeypatch.setattr(module, "distribution", found)
        add_tasks(FastAPI())
    (record,) = caplog.records
    assert record.getMessage() == (
        "the distribution fastapi-tasks 0.1.7 is installed beside this one, and both own the "
        "import name fastapi_tasks, so each overwrites files of the other: uninstall both, then "
        "install fastapi-tasks-timeline, which runs the other's code unchanged"
    )
    assert metadata.version("fastapi-tasks-timeline")
