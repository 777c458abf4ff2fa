"""The live page and the playground, served by their own apps on a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Tasks, add_tasks
from visualize.lab import SyncLab, serve
from visualize.live import mount, stream
from visualize.live.token import token_of
from visualize.playground.page import make_guard, make_page

from .screen import Screen

TOKEN = token_of("/_timeline")
SECONDS, RATE, TASKS = 30, 50, 5
KEPT = 1000
"""Requests that the page keeps; the test sends more."""

# Notes, for each task, how many milliseconds after its end the page has drawn it.
WATCH = """() => {
    const late = (window.late = {});
    const look = () => {
        const now = performance.timeOrigin + performance.now();
        const recording = document.querySelector("#timeline").viewer.state.recordings[0];
        const { owner, times } = recording.tables.tasks;
        owner.forEach((r, i) => {
            const [request, task] = [["requests", r], ["tasks", i]].map(([type, at]) =>
                recording.value(type, "id", at));
            const ended = (Number(recording.wall[r]) + times.finished[i]) / 1e6;
            if (times.finished[i] >= 0) late[`${request}:${task}`] ??= now - ended;
        });
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""
# A request that was told twice would be there twice, or have more tasks than it had.
HELD = """() => {
    const recording = document.querySelector("#timeline").viewer.state.recordings[0];
    const { size, dropped, from, tables } = recording;
    const tasks = from.tasks.map((at, r) => (r ? at - from.tasks[r - 1] : 0));
    return [size, new Set(tables.requests.codes.id).size, dropped, Math.max(...tasks)];
}"""


@pytest.fixture
def away(screen: Screen) -> Iterator[Screen]:
    """A window that has left its page before the server of it stops."""
    yield screen
    # Chromium's remark on a frame that another site's page could be: it is not.
    troubles = [words for words in screen.troubles if "Blocked autofocusing" not in words]
    screen.page.goto("about:blank")
    screen.troubles[:] = troubles


def shop() -> FastAPI:
    app = FastAPI(title="Shop")
    add_tasks(app)
    mount(app)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        for _ in range(TASKS):
            tasks.after_response.schedule(anyio.sleep, 0.02)

    return app


def until(screen: Screen, condition: str) -> None:
    state = "const v = document.querySelector('#timeline').viewer.state;"
    screen.page.wait_for_function(f"() => {{ {state} return {condition} }}", timeout=10_000)
    screen.settle()


def order_for(lab: SyncLab, seconds: float) -> int:
    begin, sent = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        lab.post("/orders")
        sent += 1
        time.sleep(max(0.0, begin + sent / RATE - time.perf_counter()))
    lab.settled()
    return sent


@pytest.mark.slow
def test_a_thousand_events_a_second_are_drawn_soon_over_broken_connections(
    away: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "STREAM", 1.5)
    with serve(shop()) as lab:
        away.open(f"{lab.url}/_timeline/?token={TOKEN}")
        connections: list[str] = []
        away.page.on("request", lambda request: connections.append(request.url))
        away.page.evaluate(WATCH)
        sent = order_for(lab, SECONDS)
        away.page.wait_for_function(f"() => Object.keys(late).length >= {sent * TASKS}")
        late: list[float] = sorted(away.page.evaluate("Object.values(late)"))
        held = away.page.evaluate(HELD)
        away.page.goto("about:blank")
    assert sent > KEPT
    assert len(late) == sent * TASKS
    assert held == [KEPT, KEPT, sent - KEPT, TASKS]
    assert late[int(0.95 * len(late))] < 1000
    assert len([url for url in connections if url.endswith("/events")]) >= 10


def test_the_page_shows_a_request_while_it_runs(away: Screen) -> None:
    app = shop()
    go_on = anyio.Event()

    @app.get("/wait")
    async def wait() -> None:
        await go_on.wait()

    @app.post("/go-on")
    async def release() -> None:
        go_on.set()

    with serve(app) as lab:
        away.open(f"{lab.url}/_timeline?token={TOKEN}")
        away.page.evaluate(f"void fetch('{lab.url}/wait')")
        until(away, "v.labels.some(({ words }) => words === 'GET /wait #1')")
        assert "open" in away.texts()
        lab.post("/go-on")
        until(away, "v.labels.some(({ words }) => words === 'POST /go-on #2')")
        lab.settled()
        away.page.wait_for_function(
            "() => document.querySelector('#timeline').viewer.state.recordings[0]"
            ".tables.requests.times.request_end.every((time) => time >= 0)"
        )
        away.settle()
        assert "open" not in away.texts()
        away.page.goto("about:blank")


# The playground ------------------------------------------------------------------------------


def verdict(screen: Screen) -> str:
    frame = screen.page.frame_locator("iframe")
    words: str = frame.locator("h1:not(:empty)").inner_text()
    return words


def tasks(screen: Screen) -> list[str]:
    frame: Any = screen.page.frame("timeline")
    found: list[str] = frame.evaluate(
        "() => { const [recording] = document.querySelector('#timeline').viewer.state.recordings;"
        " return [...recording.tables.tasks.owner.keys()]"
        ".map((i) => recording.value('tasks', 'name', i)) }"
    )
    return found


def test_moving_a_control_shows_another_request(away: Screen) -> None:
    with serve(make_page()) as lab:
        away.origin = lab.url
        away.page.goto(f"{lab.url}{make_guard().address}")
        assert verdict(away).startswith("The client had its answer after ")
        assert tasks(away) == ["task 1 (awaits)", "task 2 (awaits)", "task 3 (thread)"]
        with away.page.expect_response(lambda response: "mode=after_response" in response.url):
            away.page.get_by_label("task 4: mode").select_option("after_response")
        away.page.frame_locator("iframe").get_by_text("held up by task 4 (blocks)").wait_for()
        assert "held up by task 4 (blocks)" in verdict(away)
        slider = away.page.get_by_label("Endpoint: milliseconds")
        slider.focus()
        with away.page.expect_response(lambda response: "ms=25" in response.url):
            away.page.keyboard.press("ArrowRight")
        assert away.page.locator("output").first.inner_text() == "25 ms"
        away.page.goto("about:blank")
