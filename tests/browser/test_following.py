"""The page of a running app: rows that arrive, connections that break, requests that are let go."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from fastapi_tasks.recording import to_json
from tests.samples import MS, checkout

from .screen import Screen
from .source import HANG_UP, NOW, Source


def until(screen: Screen, condition: str) -> None:
    state = "const v = document.querySelector('#timeline').viewer.state;"
    screen.page.wait_for_function(f"() => {{ {state} return {condition} }}", timeout=10_000)
    screen.settle()


def opened(number: int, at: int) -> dict[str, Any]:
    return {
        "id": number, "kind": "http", "method": "GET", "path": "/items", "wall": at,
        "request_start": at,
    }  # fmt: skip


def test_rows_arrive_and_are_completed(source: Source, live: Callable[[], Screen]) -> None:
    screen = live()
    assert screen.text("notice") == "Nothing is recorded yet."
    assert screen.text("status") == "live"
    at = 7_000_000 * MS
    task = {"name": "mail", "mode": "immediate", "requested": at + MS, "released": at + MS}
    source.send(opened(1, at) | {"tasks": {"0": task}})
    until(screen, "v.recordings[0].tables.tasks.size === 1")
    assert {"mail  waiting", "open"} <= set(screen.texts())
    source.send({"id": 1, "tasks": {"0": {"started": at + 3 * MS}}})
    until(screen, "v.recordings[0].time('tasks', 'started', 0) !== null")
    assert "mail  running" in screen.texts()
    source.send(
        {"id": 1, "status": 204, "response_sent": at + 4 * MS, "request_end": at + 5 * MS},
        {"id": 1, "tasks": {"0": {"finished": at + 9 * MS, "outcome": "ok"}}},
    )
    until(screen, "v.recordings[0].value('tasks', 'outcome', 0)")
    assert {"204", "response sent after 4 ms, 1 task, the last ended 5 ms later"} <= set(
        screen.texts()
    )
    screen.press("n")
    assert screen.sentence() == (
        "mail waited 2 ms, then ran 6 ms on the event loop. "
        "It started 1 ms before the response was sent."
    )


def test_whole_timelines_are_rows_too_and_being_told_twice_does_no_harm(
    source: Source, live: Callable[[], Screen]
) -> None:
    screen = live()
    line = to_json(checkout())
    source.send(line.strip(), line.strip())
    source.send(line.strip())
    source.send(to_json(checkout(2, 90 * MS)).strip())
    until(screen, "v.recordings[0].size === 2")
    assert screen.text("found") == "12 tasks · 2 requests"
    assert screen.texts().count("client  14.2 ms") == 2


def test_times_are_exact_however_long_the_machine_is_up(
    source: Source, live: Callable[[], Screen], tmp_path: Any
) -> None:
    screen = live()
    timeline = checkout(1, 2**60 + 1)
    source.send(to_json(timeline).strip())
    until(screen, "v.recordings[0].size === 1")
    saved = screen.save("jsonl", tmp_path).decode()
    assert json.loads(saved) == json.loads(to_json(timeline))


def test_after_a_break_the_browser_says_where_it_stopped(
    source: Source, live: Callable[[], Screen]
) -> None:
    screen = live()
    source.send(opened(1, 5 * MS), id="run-1")
    until(screen, "v.recordings[0].size === 1")
    source.events.put(HANG_UP)
    assert source.connections.get(timeout=10) == "run-1"
    source.send(opened(1, 5 * MS), opened(2, 6 * MS), id="run-2")
    until(screen, "v.recordings[0].size === 2")
    assert screen.text("status") == "live"


def test_a_refused_connection_is_said_and_tried_again(
    source: Source, screen: Screen, live: Callable[[], Screen]
) -> None:
    refused: list[str] = []

    def refuse_once(route: Any) -> None:
        refused.append(route.request.url)
        route.fulfill(status=503, body="") if len(refused) == 1 else route.continue_()

    screen.page.route("**/events", refuse_once)
    screen.open(source.url)
    until(screen, "v.part.gone.textContent.startsWith('The server is gone since')")
    until(screen, "v.part.status.textContent === 'live'")
    screen.page.unroute("**/events")
    assert all("503" in trouble for trouble in screen.troubles)
    screen.troubles.clear()


def test_a_server_that_stops_says_so_and_the_page_goes_on_with_the_next(
    source: Source, live: Callable[[], Screen]
) -> None:
    screen = live()
    source.send(to_json(checkout()).strip())
    source.send(NOW, event="counters")
    until(screen, "v.recordings[0].size === 1 && !v.part.counters.hidden")
    refused = []

    def refuse(route: Any) -> None:
        refused.append(route.request.url)
        route.abort()

    screen.page.route("**/events", refuse)
    source.send("7", event="stopping")
    until(screen, "v.part.gone.textContent === 'The server is stopping.'")
    assert screen.visible(".gone")
    source.events.put(HANG_UP)
    until(screen, "v.part.gone.textContent.startsWith('The server is gone since')")
    follow = screen.page.locator("[data-part=follow]")
    assert follow.get_attribute("aria-pressed") == "false"
    assert screen.page.locator(".counters.old").count() == 1
    assert screen.text("status") == "not connected"
    screen.page.unroute("**/events")
    until(screen, "v.part.gone.hidden")
    assert screen.text("status") == "live"
    assert follow.get_attribute("aria-pressed") == "true"
    assert screen.page.locator(".counters.old").count() == 0
    assert refused
    screen.troubles.clear()  # the browser's own words on a server that is gone


def test_a_page_that_is_left_open_does_not_hammer_a_server_that_is_gone(
    source: Source, live: Callable[[], Screen]
) -> None:
    screen = live()
    tried: list[float] = []

    def refuse(route: Any) -> None:
        tried.append(time.monotonic())
        route.abort()

    screen.page.route("**/events", refuse)
    source.events.put(HANG_UP)
    until = time.monotonic() + 60
    while len(tried) < 24 and time.monotonic() < until:
        screen.page.wait_for_timeout(100)
    assert min(later - before for before, later in pairwise(tried[21:])) > 1.5
    screen.page.unroute("**/events")
    screen.page.wait_for_function(
        "() => document.querySelector('#timeline').viewer.state.part.status.textContent === 'live'"
    )
    screen.troubles.clear()  # the browser's own words on a server that is gone


def test_a_server_without_a_word_is_told_from_one_that_is_gone(
    source: Source, live: Callable[[], Screen]
) -> None:
    screen = live()
    source.send(NOW, event="counters")
    until(screen, "v.part.gone.textContent.startsWith('No word from the server for a while')")
    source.send(NOW, event="counters")
    until(screen, "v.part.gone.hidden")


def test_above_its_limit_the_page_lets_the_oldest_go_and_says_so(
    source: Source, live: Callable[[], Screen]
) -> None:
    source.limit = 3
    screen = live()
    source.send(*(opened(number, number * MS) for number in range(1, 6)))
    until(screen, "v.recordings[0].size === 3")
    assert screen.state(
        "[...v.recordings[0].clock.keys()].map((r) => v.recordings[0].value('requests', 'id', r))"
    ) == [3, 4, 5]
    assert screen.text("found") == "0 tasks · 3 requests · 2 older requests let go"
    # What was let go does not come back, neither by a late row nor by a server that starts over.
    source.send({"id": 1, "status": 200}, opened(2, 2 * MS))
    source.send("4", event="dropped")
    source.send(opened(6, 6 * MS))
    until(screen, "v.recordings[0].find(0, 6) >= 0")
    assert screen.state(
        "[...v.recordings[0].clock.keys()].map((r) => v.recordings[0].value('requests', 'id', r))"
    ) == [4, 5, 6]
    assert screen.text("found") == "0 tasks · 3 requests · 7 older requests let go"


def test_the_newest_stays_in_view_until_one_looks_elsewhere(
    source: Source, live: Callable[[], Screen]
) -> None:
    screen = live()
    follow = screen.page.locator("button[data-action=follow]")
    assert follow.get_attribute("aria-pressed") == "true"
    source.send(*(to_json(checkout(n, n * 100 * MS)).strip() for n in range(1, 4)))
    until(screen, "v.recordings[0].size === 3")
    assert screen.view.begin < screen.state("v.lanes.first")
    for number in range(4, 60):
        source.send(to_json(checkout(number, number * 400 * MS)).strip())
    until(screen, "v.recordings[0].size === 59")
    assert screen.view.span == pytest.approx(10_000 * MS)
    assert screen.view.begin < screen.state("v.lanes.last") <= screen.view.end
    screen.press("+")
    assert screen.view.begin < screen.state("v.lanes.last") <= screen.view.end
    screen.press("ArrowLeft")
    assert follow.get_attribute("aria-pressed") == "false"
    seen = screen.view
    source.send(to_json(checkout(60, 90_000 * MS)).strip())
    until(screen, "v.recordings[0].size === 60")
    assert screen.view == seen
    screen.press("l")
    assert screen.view.begin < screen.state("v.lanes.last") <= screen.view.end
    assert screen.view.span == pytest.approx(seen.span)


def test_the_newest_rows_stay_in_view_until_one_scrolls_up(
    source: Source, live: Callable[[], Screen]
) -> None:
    screen = live()
    follow = screen.page.locator("button[data-action=follow]")
    source.send(*(to_json(checkout(n, n * 100 * MS)).strip() for n in range(1, 6)))
    until(screen, "v.recordings[0].size === 5")
    assert "POST /checkout #5" in screen.texts()
    assert screen.view.y > 0
    screen.wheel(600, 600, 0, -300)
    assert follow.get_attribute("aria-pressed") == "false"
    seen = screen.view.y
    source.send(to_json(checkout(6, 600 * MS)).strip())
    until(screen, "v.recordings[0].size === 6")
    assert screen.view.y == seen
    screen.press("l")
    assert "POST /checkout #6" in screen.texts()


def test_a_page_that_cannot_be_saved_without_its_server_says_so(
    source: Source, live: Callable[[], Screen], tmp_path: Any
) -> None:
    screen = live()
    source.send(to_json(checkout()).strip())
    until(screen, "v.recordings[0].size === 1")
    screen.page.route("**/file.js", lambda route: route.abort())
    screen.page.locator("summary").click()
    screen.page.locator("button[data-with=html]").click()
    screen.page.get_by_text("Nothing was saved").wait_for()
    assert json.loads(screen.save("jsonl", tmp_path)) == json.loads(to_json(checkout()))
    screen.page.unroute("**/file.js")
    screen.troubles.clear()  # Chromium's word on the script that did not come


def test_a_browser_without_event_source_is_told(
    source: Source, new_screen: Callable[..., Screen]
) -> None:
    screen = new_screen()
    screen.page.add_init_script("delete globalThis.EventSource")
    screen.open(source.url)
    assert "no EventSource" in screen.text("gone")


def test_the_live_page_is_saved_as_a_file_that_stands_alone(
    source: Source,
    live: Callable[[], Screen],
    new_screen: Callable[..., Screen],
    tmp_path: Any,
) -> None:
    screen = live()
    source.send(to_json(checkout()).strip())
    until(screen, "v.recordings[0].size === 1")
    page = tmp_path / "saved.html"
    page.write_bytes(screen.save("html", tmp_path))
    alone = new_screen()
    alone.open(page.as_uri())
    assert "send_mail  29.3 ms" in alone.texts()
    assert alone.text("status") == ""
    saved = alone.save("jsonl", tmp_path).decode()
    assert json.loads(saved) == json.loads(to_json(checkout()))


def test_lines_can_be_given_by_hand(source: Source, live: Callable[[], Screen]) -> None:
    screen = live()
    screen.page.evaluate(
        "(lines) => document.querySelector('#timeline').viewer.append(lines)", to_json(checkout())
    )
    screen.settle()
    assert "send_mail  29.3 ms" in screen.texts()
