"""Four questions, asked as a person would ask them: looking only at what is on the screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from fastapi_tasks.timeline import Busy, TaskRecord, Timeline
from tests.samples import MS, WALL

from .screen import Screen

Show = Callable[..., Screen]

REQUESTS = 2000


def shop(*, slower: float = 1.0, seed: int = 0) -> list[Timeline]:
    """Each hundredth of 2,000 requests resizes an image on the loop, and those behind it wait."""
    timelines = []
    for number in range(1, REQUESTS + 1):
        at = number * 8 * MS
        image = number % 100 == 0
        behind = number % 100 in (1, 2, 3)
        lost = (100 - (number % 100) * 8) * MS if behind else 0
        sent = at + 3 * MS + lost + (number * 7 + seed) % 5 * MS // 5
        route = "/images" if image else "/orders" if number % 3 else "/items"
        line = Timeline(
            id=number, kind="http", method="POST", path=route, route=route, process=7,
            wall=WALL + at, request_start=at, endpoint_start=at + lost, endpoint_end=sent - MS,
            response_start=sent - MS, response_sent=sent, request_end=sent, status=200,
        )  # fmt: skip
        if image:
            end = sent + round(100 * MS)
            line.tasks.append(
                TaskRecord("resize", "after_response", at + MS, sent, sent, end, "ok", id=0)
            )
            line.busy.append(Busy(sent, end, "resize", 0, "shop/images.py:41 in resize"))
        elif route == "/orders":
            run = round((5 + (number + seed) % 7) * MS * slower)
            line.tasks.append(
                TaskRecord(
                    "send_mail",
                    "after_response",
                    at + MS,
                    sent,
                    sent + MS // 10,
                    sent + run,
                    "ok",
                    id=0,
                )
            )
        timelines.append(line)
    return timelines


def visible(screen: Screen, selector: str) -> Any:
    return screen.page.locator(f"{selector}:visible")


def test_which_task_hurt_responses_most(show: Show) -> None:
    """No action: it stands on top of what opens."""
    screen = show(shop())
    first = visible(screen, ".why li").first.inner_text()
    assert "resize" in first
    assert "held the event loop" in first
    assert "shop/images.py:41" in first
    assert visible(screen, ".panel-summary").count() == 1


def test_why_was_this_one_late(show: Show) -> None:
    """Two actions: the point in the scatter that stands out, then what held it up."""
    screen = show(shop())
    canvas = visible(screen, ".scatter canvas")
    box = canvas.bounding_box()
    dots = screen.page.evaluate(
        """() => { // what a person sees: the highest dot
            const canvas = document.querySelector(".scatter canvas");
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            for (let y = 0; y < height; y++) for (let x = 80; x < width; x++)
                if (data[4 * (y * width + x) + 2] > data[4 * (y * width + x)] + 40) return [x, y];
        }"""
    )
    screen.page.mouse.click(box["x"] + dots[0] + 1, box["y"] + dots[1] + 1)
    screen.settle()
    assert "Held up by" in visible(screen, ".details").inner_text()
    culprit = visible(screen, ".details ul button").first
    assert "resize" in culprit.inner_text()
    culprit.click()
    screen.settle()
    assert screen.sentence().startswith("resize")
    assert "shop/images.py:41 in resize" in screen.sentence()


def test_what_changed_between_two_runs(show: Show) -> None:
    """No action to see it, one to see a pair side by side."""
    screen = show({"before": shop(), "after": shop(slower=3, seed=3)})
    first = visible(screen, ".panel-compare tbody tr").first
    assert "send_mail" in first.inner_text()
    assert "slower" in first.inner_text()
    assert re.search(r"\+\d{3} %", first.inner_text())
    first.click()
    screen.settle()
    texts = screen.texts()
    assert {"before", "after"} <= set(texts)
    assert sum(text.startswith("send_mail") for text in texts) == 2


@pytest.mark.parametrize("key", ["per_second", "in_flight"])
def test_what_is_going_on_right_now(new_screen: Callable[..., Screen], key: str) -> None:
    """No action: the counters stand on top of the live page."""
    from visualize.page import asset, live_html

    screen = new_screen()
    counters = (
        '{"wall": 1, "processes": 1, "seconds": 10.0, "requests": 120, "per_second": 12.5,'
        ' "errors": 3, "held_ns": 41000000, "in_flight": 2, "tasks": 7, "slowest":'
        ' {"process": 7, "request": 12, "task": 3, "name": "send_mail", "title": "x",'
        ' "ran_ns": 3200000000}}'
    )
    finding = (
        '{"findings": [{"rule": "loop_held", "cost_ns": 5000000, "cause": {"kind": "task",'
        ' "name": "resize", "mode": "", "line": null}, "victims": [], "victims_count": 0,'
        ' "fact": "resize held the event loop", "advice": "await", "sentence": ""}], "requests": 1}'
    )
    served = {
        "/": (live_html("events"), "text/html"),
        "/timeline.js": (asset("timeline.js"), "text/javascript"),
        "/events": (
            f"retry: 100000\n\nevent: counters\ndata: {counters}\n\n"
            f"event: findings\ndata: {finding}\n\n",
            "text/event-stream",
        ),
    }

    def answer(route: Any) -> None:
        path = route.request.url.removeprefix("http://viewer.test")
        body, kind = served.get(path, ("", "text/plain"))
        route.fulfill(status=200 if path in served else 204, body=body, content_type=kind)

    screen.page.route("http://viewer.test/**", answer)
    screen.open("http://viewer.test/")
    visible(screen, ".counters").wait_for()
    said = " ".join(visible(screen, ".counters").inner_text().split())
    told = {"per_second": "requests / s 12.5", "in_flight": "in flight 2"}
    assert told[key] in said
    assert "failed in 10 s 3" in said
    assert "loop held in 10 s 41 ms" in said
    assert "slowest task now send_mail for 3.2 s" in said
    assert "resize held the event loop" in visible(screen, ".why").inner_text()
    gone = visible(screen, ".gone")
    gone.wait_for()
    assert gone.inner_text().startswith("The server is gone since")
    assert screen.page.locator("[data-part=follow]").get_attribute("aria-pressed") == "false"
    screen.page.goto("about:blank")
