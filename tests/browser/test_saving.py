"""What the menu saves is what it says: pictures, the recording, the page itself, a trace."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from fastapi_tasks.recording import from_json
from fastapi_tasks.timeline import Timeline
from tests.samples import MS, WALL, checkout, random_timelines, repeating, watched
from visualize import select
from visualize.perfetto import to_perfetto

from .screen import Screen

Show = Callable[..., Screen]

UPTIME = 200 * 24 * 3_600_000 * MS + 123_456_789
"""More nanoseconds than a double can tell apart: 200 days."""
SVG = "{http://www.w3.org/2000/svg}"


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


@pytest.mark.parametrize("filter", ["mail", "mode:after_route -validate", "run>10ms", "nothing"])
def test_what_is_shown_is_saved_and_all_of_it_on_demand(
    show: Show, tmp_path: Path, filter: str
) -> None:
    recording = [checkout(), watched(2, 50 * MS)]
    screen = show(recording)
    screen.search(filter)
    assert from_json(screen.save("jsonl", tmp_path).decode()) == select(recording, filter)
    assert from_json(screen.save("jsonl", tmp_path, all=True).decode()) == recording


RECORDINGS = {
    "checkout": [checkout()],
    "random": random_timelines(60, 12),
    "odd": odd(),
    "watched": [watched(n, n) for n in range(50)],
    "repeating": [repeating()],
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_trace_is_that_of_python_to_the_byte(show: Show, tmp_path: Path, name: str) -> None:
    recording = RECORDINGS[name]
    screen = show(recording)
    assert screen.save("json", tmp_path).decode() == to_perfetto(recording)
    screen.search("mode:after_response")
    shown = select(recording, "mode:after_response")
    if shown:
        assert screen.save("json", tmp_path).decode() == to_perfetto(shown)


def test_the_saved_page_shows_and_saves_the_same(
    show: Show, new_screen: Callable[..., Screen], tmp_path: Path
) -> None:
    first = show(odd(), title="Odd & <bold>")
    first.press("n")
    page = tmp_path / "saved.html"
    page.write_bytes(first.save("html", tmp_path, all=True))
    assert page.read_text("utf-8") == (tmp_path / "timeline.html").read_text("utf-8")
    second = new_screen()
    second.open(page.as_uri())
    assert second.page.title() == "Odd & <bold>"
    assert second.texts() == show(odd(), title="Odd & <bold>").texts()
    assert from_json(second.save("jsonl", tmp_path).decode()) == odd()


def test_a_page_of_what_is_shown_holds_no_more(
    show: Show, new_screen: Callable[..., Screen], tmp_path: Path
) -> None:
    first = show([checkout(), watched(2, 50 * MS)])
    first.search("mail")
    page = tmp_path / "saved.html"
    page.write_bytes(first.save("html", tmp_path))
    second = new_screen()
    second.open(page.as_uri())
    assert second.tasks() == ["send_mail", "send_mail"]
    assert second.text("found") == "2 tasks · 2 requests"


def test_png_is_the_view_with_title_and_legend_at_twice_its_size(
    show: Show, tmp_path: Path
) -> None:
    screen = show(checkout())
    saved = screen.save("png", tmp_path)
    assert saved[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(saved[at : at + 4], "big") for at in (16, 20))
    # Two lines of 22 pixels for the legend, below the title.
    assert [width, height] == screen.state("[v.width * 2, (v.height + 86) * 2]")
    assert len(saved) > 30_000  # an empty picture of that size has a tenth of it


def test_svg_stands_alone_with_title_and_legend(show: Show, tmp_path: Path) -> None:
    screen = show(checkout(), title="Our shop")
    saved = screen.save("svg", tmp_path)
    picture = ET.fromstring(saved)
    texts = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]
    assert texts[0] == "Our shop"
    assert {
        "immediate", "after_route", "after_response", "failed", "held back by its mode",
        "waits: late", "runs", "held the loop", "request, its endpoint", "in a worker thread",
    } <= set(texts)  # fmt: skip
    assert set(screen.texts()) <= set(texts)
    assert b'fill="#0072b2"' in saved
    assert b"var(" not in saved


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_that_xml_does_not_allow_leave_the_pictures_whole(
    show: Show, tmp_path: Path, scheme: str
) -> None:
    timeline = checkout()
    timeline.tasks[0].name = 'a\x00b\x1b[31m & <tag> "q" \ufffe \ud800 ]]>'
    screen = show(timeline, title="b\ufffea", color_scheme=scheme)
    texts = "".join(ET.fromstring(screen.save("svg", tmp_path)).itertext())
    assert 'a\\x00b\\x1b[31m & <tag> "q" \\ufffe \\ud800 ]]>' in texts
    assert len(screen.save("png", tmp_path)) > 30_000


def test_a_long_title_and_its_filter_stay_inside_the_picture(show: Show, tmp_path: Path) -> None:
    screen = show(checkout(), title="A name too long " * 20)
    screen.search("-mail -\u202e")
    picture = ET.fromstring(screen.save("svg", tmp_path))
    title = "".join(next(picture.iter(f"{SVG}text")).itertext())
    assert title.startswith("A name too long A name")
    assert title.endswith("…")
    assert len(title) < 200


def test_crowds_of_bars_are_saved_as_pixels(show: Show, tmp_path: Path) -> None:
    screen = show(random_timelines(300, 10))
    screen.show("lanes")
    saved = screen.save("svg", tmp_path).decode()
    assert 'href="data:image/png;base64,' in saved
    assert len(saved) < 400_000
    assert len(screen.save("png", tmp_path)) > 30_000


def test_a_picture_can_be_saved_from_any_view(show: Show, tmp_path: Path) -> None:
    screen = show(random_timelines(60, 3))
    screen.show("table")
    assert len(screen.save("png", tmp_path)) > 20_000
