"""Hostile names, strict policies, narrow windows, odd data: always a picture, never a surprise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastapi_tasks import harmless
from fastapi_tasks.recording import to_json
from fastapi_tasks.timeline import Busy, ClientView, TaskRecord, Timeline
from tests.samples import MS, WALL, checkout, random_timelines, watched
from visualize.page import asset, live_html, to_html

from .screen import SETTLED, Screen

Show = Callable[..., Screen]

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "{data}{0}%s${alert(1)}`",
    "\u2028\u2029\u202eevil",
    '" onload="alert(1)',
    "&lt;b&gt; &amp;",
    "x" * 3000,
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text(show: Show, name: str) -> None:
    timeline = checkout()
    timeline.path = timeline.tasks[1].name = timeline.busy[0].culprit = name
    timeline.tasks[4].error = name
    screen = show({name: timeline, "other": checkout()}, title=name)
    screen.page.on("dialog", lambda dialog: screen.troubles.append(dialog.message))
    screen.show("table")
    assert screen.page.locator("#timeline img, #timeline b > b, script:not([type])").count() == 0
    cells = screen.page.locator(".panel-table tbody th").all_text_contents()
    assert cells.count(harmless(name) or "–") == 1
    assert screen.page.title() == (name or "Timeline")
    screen.press("2")
    screen.page.mouse.move(*screen.find(name, "busy").center)
    screen.settle()
    if name.isprintable():
        assert screen.text("tip").startswith(" ".join(f"{name} held the event loop for".split()))


def test_the_module_works_under_the_strictest_policy_of_a_server(
    new_screen: Callable[..., Screen],
) -> None:
    screen = new_screen()
    headers = {
        "Content-Security-Policy": "default-src 'self'; object-src 'none'",
        "Content-Type": "text/html",
    }
    script = headers | {"Content-Type": "text/javascript"}
    events = "retry: 100000\n\n"
    served = {
        "/": (live_html("events"), headers),
        "/timeline.js": (asset("timeline.js"), script),
        "/later.js": (asset("later.js"), script),
        "/events": (events, headers | {"Content-Type": "text/event-stream"}),
    }

    def answer(route: Any) -> None:
        path = route.request.url.removeprefix("http://viewer.test")
        body, head = served.get(path, ("", headers))
        route.fulfill(status=200 if path in served else 204, body=body, headers=head)

    screen.page.route("http://viewer.test/**", answer)
    screen.open("http://viewer.test/")
    screen.page.evaluate(
        "(lines) => document.querySelector('#timeline').viewer.append(lines)",
        to_json(bare(request_end=90)),
    )
    screen.settle()
    assert "GET / #1" in screen.texts()
    assert screen.state("getComputedStyle(v.part.stage.closest('main')).display") == "flex"


def test_a_file_asks_for_nothing_and_carries_a_policy(show: Show) -> None:
    screen = show(checkout())
    asked = screen.page.evaluate(
        "() => performance.getEntriesByType('resource').map(({name}) => name)"
    )
    assert asked == []
    blocked = screen.page.evaluate(
        """() => new Promise((done) => {
            document.addEventListener("securitypolicyviolation", (event) => done(event.blockedURI));
            document.head.append(Object.assign(document.createElement("script"), { text: "1" }));
        })"""
    )
    assert blocked == "inline"
    screen.troubles.clear()  # the policy said so on the console


def test_without_scripts_the_page_says_so(
    new_screen: Callable[..., Screen], tmp_path: Path
) -> None:
    screen = new_screen(java_script_enabled=False)
    file = tmp_path / "page.html"
    file.write_text(to_html(checkout()), encoding="utf-8")
    screen.origin = "file://"
    screen.page.goto(file.as_uri())
    assert screen.page.locator("body").inner_text().startswith("This timeline is drawn by a script")


def test_a_page_that_is_shown_late_is_whole(show: Show, screen: Screen, tmp_path: Path) -> None:
    texts = show(checkout(), width=800, height=500).texts()
    outer = tmp_path / "outer.html"
    outer.write_text(
        "<body style='margin: 0'><iframe src='timeline.html' width='800' height='500'"
        " style='border: 0; display: none'></iframe>"
    )
    screen.origin = "file://"
    screen.page.goto(outer.as_uri())
    frame = screen.page.locator("iframe").element_handle().content_frame()
    frame.wait_for_function("() => document.querySelector('#timeline').viewer?.ready")
    screen.page.evaluate("document.querySelector('iframe').style.display = 'block'")
    frame.evaluate("() => new Promise((done) => setTimeout(done, 200))")
    frame.evaluate(SETTLED)
    labels = "() => document.querySelector('#timeline').viewer.state.labels.map(({words}) => words)"
    assert frame.evaluate(labels) == texts
    # Chromium's remark on a frame that another site's page could be: it is not.
    screen.troubles[:] = [one for one in screen.troubles if "Blocked autofocusing" not in one]


RECORDINGS = {
    "1": checkout(),
    "watched": watched(),
    "5": [checkout(number, number * 30 * MS) for number in range(1, 6)],
    "60": random_timelines(60, 5),
    "many tasks": random_timelines(3, 90),
    "2,000": random_timelines(2000, 5),
}


@pytest.mark.parametrize("width", [400, 1280, 1920])
@pytest.mark.parametrize("name", RECORDINGS)
def test_labels_stay_inside_and_never_overlap(show: Show, width: int, name: str) -> None:
    screen = show(RECORDINGS[name], width=width)
    screen.show("lanes")
    looks = ["", "v.lanes.zoom(0.3)", "v.lanes.zoom(0.05, v.width / 3)", "v.lanes.pan(-200, 0)"]
    looks += ["v.lanes.zoom(0.02)", "v.lanes.pan(0, -150)", "v.lanes.fit()"]
    seen = 0
    for look in looks:
        screen.state(look or "0")
        screen.settle()
        labels = screen.labels()
        seen += len(labels)
        assert [one for one in labels if one.x < 0 or one.x + one.width > width + 1] == []
        overlaps = [(a, b) for i, a in enumerate(labels) for b in labels[i + 1 :] if a.overlaps(b)]
        assert overlaps == [], look
    assert seen > 10
    assert screen.page.evaluate("document.documentElement.scrollWidth") == width


def bare(**fields: Any) -> Timeline:
    base = {"id": 1, "kind": "http", "method": "GET", "path": "/", "wall": WALL, "request_start": 0}
    return Timeline(**(base | fields))


ODD = {
    "nothing": [],
    "a request and no more": bare(),
    "no time passed": bare(request_end=0, response_sent=0),
    "a task without a start": bare(tasks=[TaskRecord("t", "after_route", 5)]),
    "a task that was discarded": bare(
        request_end=9, tasks=[TaskRecord("t", "after_route", 5, outcome="discarded")]
    ),
    "clocks that go backwards": bare(
        endpoint_start=900, endpoint_end=100, response_sent=-50, request_end=-100,
        tasks=[TaskRecord("t", "immediate", 500, 400, 300, 200, "ok")],
        busy=[Busy(800, 700, "t", 0)],
        client=ClientView(1000, 500, 0),
    ),
    "a parent that is not there": bare(
        tasks=[TaskRecord("t", "immediate", 5, 5, 6, 7, "ok", parent=9)]
    ),
    "a request that ends before another of its process starts": [
        bare(request_end=10), bare(id=2, request_start=-10**15, request_end=-10**15 + 5)
    ],
    "one id twice": [bare(request_end=10), bare(request_end=20)],
    "ten thousand years": bare(request_end=10**18 * 4),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_data_gives_a_picture_or_a_message(show: Show, name: str) -> None:
    screen = show(ODD[name])
    if ODD[name] == []:
        assert screen.text("notice") == "Nothing is recorded yet."
    else:
        assert "GET / #1" in screen.texts()
        assert screen.find("/", "requests").end >= screen.find("/", "requests").x
    screen.press("2", "n", "+", "-", "m", "Escape", "3", "1", "2", "0", "End", "ArrowRight")
    view = screen.view
    assert view.span > 0
    assert abs(view.begin) < 1e20
    assert all("NaN" not in text and "undefined" not in text for text in screen.texts())


def test_a_damaged_page_says_so(show: Show, tmp_path: Path, screen: Screen) -> None:
    page = to_html(checkout())
    start = page.index('"packed":"') + 10
    file = tmp_path / "damaged.html"
    file.write_text(page[: start + 200] + page[start + 204 :], encoding="utf-8")
    screen.open(file.as_uri())
    assert screen.text("notice").startswith("The recording cannot be read: ")


def test_controls_have_names_and_a_visible_focus(show: Show) -> None:
    screen = show(checkout())
    page = screen.page
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, summary, [tabindex]")]
            .filter((e) => e.checkVisibility())
            .filter((e) => !(e.ariaLabel || e.closest("label") || e.textContent.trim()))
            .map((e) => e.outerHTML)"""
    )
    assert unnamed == []
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle !== 'none'")
        )
        if page.evaluate("() => document.activeElement.dataset.part") == "stage":
            break
    else:
        pytest.fail("the picture cannot be reached with the Tab key")
    assert all(seen)


def test_a_hundred_thousand_tasks_open_and_are_searched(show: Show) -> None:
    screen = show(random_timelines(1000, 100))
    assert screen.text("found") == "100,000 tasks · 1,000 requests"
    screen.search("name:task_11 mode:immediate")
    assert set(screen.tasks()) == {"task_11"}
    screen.show("lanes")
    screen.press("n", "Enter")
    assert screen.sentence().startswith("task_11 waited ")
