"""What the menu saves is what it says: pictures, the recording, the page itself, a trace."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from fastapi_tasks.recording import from_json
from fastapi_tasks.timeline import Timeline
from tests.samples import MS, WALL, checkout, random_timelines, repeating, watched
from tests.test_perfetto import broken_rules

from .screen import Screen

Show = Callable[..., Screen]

UPTIME = 200 * 24 * 3_600_000 * MS + 123_456_789
"""More nanoseconds than a double can tell apart: 200 days."""


def odd() -> list[Timeline]:
    """Whatever may be missing is missing, and what may be huge is huge."""
    late = checkout(3, UPTIME)
    late.wall = WALL
    bare = Timeline(
        id=4, kind="websocket", method="WEBSOCKET", path="/ws", wall=WALL - 5, request_start=-7
    )
    return [late, bare, repeating(number=5, at=UPTIME + MS), *random_timelines(5, 7)]


def test_json_lines_are_the_recording_to_the_nanosecond(show: Show, tmp_path: Path) -> None:
    saved = show(odd()).save("jsonl", tmp_path)
    assert from_json(saved.decode()) == odd()


def test_a_filter_leaves_the_saved_recording_whole(show: Show, tmp_path: Path) -> None:
    screen = show(checkout())
    screen.page.locator("[data-part=search]").fill("nothing")
    assert from_json(screen.save("jsonl", tmp_path).decode()) == [checkout()]


def test_the_saved_page_shows_and_saves_the_same(
    show: Show, new_screen: Callable[..., Screen], tmp_path: Path
) -> None:
    first = show(odd(), title="Odd & <bold>")
    first.press("d", "n")
    page = tmp_path / "saved.html"
    page.write_bytes(first.save("html", tmp_path))
    assert page.read_text("utf-8") == (tmp_path / "timeline.html").read_text("utf-8")
    second = new_screen()
    second.open(page.as_uri())
    assert second.page.title() == "Odd & <bold>"
    assert second.texts() == show(odd(), title="Odd & <bold>").texts()
    assert from_json(second.save("jsonl", tmp_path).decode()) == odd()


@pytest.mark.parametrize(
    "recording",
    [
        [checkout()],
        random_timelines(60, 12),
        odd(),
        [watched()],
        [watched(n, n) for n in range(50)],
    ],
)
def test_the_trace_keeps_the_rules_of_perfetto(
    show: Show, tmp_path: Path, recording: list[Timeline]
) -> None:
    trace = show(recording).save("json", tmp_path).decode()
    assert broken_rules(trace) == []
    events = json.loads(trace)["traceEvents"]
    started = [t for timeline in recording for t in timeline.tasks if t.started is not None]
    assert sum(event["ph"] == "s" for event in events) == len(started)
    bars = {event["name"] for event in events if event["ph"] == "X"}
    assert {task.name for task in started} <= bars
    assert {timeline.title for timeline in recording} <= bars


def test_png_is_the_view_at_twice_its_size(show: Show, tmp_path: Path) -> None:
    screen = show(checkout())
    saved = screen.save("png", tmp_path)
    assert saved[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(saved[at : at + 4], "big") for at in (16, 20))
    assert [width, height] == screen.state("[v.width * 2, v.height * 2]")
    assert len(saved) > 30_000  # an empty picture of that size has a tenth of it


def test_svg_stands_alone(show: Show, new_screen: Callable[..., Screen], tmp_path: Path) -> None:
    screen = show(checkout())
    saved = screen.save("svg", tmp_path)
    picture = ET.fromstring(saved)
    texts = ["".join(text.itertext()) for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == screen.texts()
    alone = new_screen()
    alone.origin = "file://"
    alone.page.goto((tmp_path / "timeline.svg").as_uri())
    fill = "getComputedStyle(document.querySelector('.run.after_route')).fill"
    assert alone.page.evaluate(fill) == "rgb(0, 114, 178)"


def test_names_that_xml_does_not_allow_leave_the_svg_well_formed(
    show: Show, tmp_path: Path
) -> None:
    timeline = checkout()
    timeline.tasks[0].name = 'a\x00b\x1b[31m & <tag> "quoted" \ud800 ]]>'
    screen = show(timeline)
    saved = screen.save("svg", tmp_path)
    texts = "".join(ET.fromstring(saved).itertext())
    assert 'a\ufffdb\ufffd[31m & <tag> "quoted" \ufffd ]]>' in texts


def test_crowds_of_bars_are_saved_as_pixels(show: Show, tmp_path: Path) -> None:
    screen = show(random_timelines(300, 10))
    saved = screen.save("svg", tmp_path).decode()
    assert 'href="data:image/png;base64,' in saved
    assert len(saved) < 400_000
    assert len(screen.save("png", tmp_path)) > 30_000
