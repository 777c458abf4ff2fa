"""Filter and legend: what is left of a recording, and what they say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fastapi_tasks import TaskRecord, Timeline
from tests.samples import checkout, random_timelines, watched

from .person import Person
from .screen import Screen

Show = Callable[..., Screen]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mail", ["send_mail"]),
        ("MAIL", ["send_mail"]),
        ("mode:after_response", ["send_mail", "print_label", "notify_shipping"]),
        ("mode:after_response -mail", ["print_label", "notify_shipping"]),
        ("outcome:error", ["notify_shipping"]),
        ("error:Connection", ["notify_shipping"]),
        ("thread", ["print_label"]),
        ("run>29ms", ["validate_payment", "send_mail"]),
        ("status:2xx name:audit", ["audit"]),
        ("route:/check outcome:ok mode:immediate", ["validate_payment", "audit"]),
        ("checkout print", ["print_label"]),
        ("status:500", []),
    ],
)
def test_filter(show: Show, query: str, found: list[str]) -> None:
    screen = show(checkout())
    screen.press("/")
    screen.page.keyboard.type(query)
    screen.settle()
    assert screen.tasks() == found
    assert screen.text("found").startswith(f"{len(found)} of 6 tasks")
    assert screen.visible("[data-part=notice]") is (found == [])


def test_a_filter_that_is_none_says_why_and_changes_nothing(show: Show) -> None:
    screen = show(checkout())
    screen.search("wait>fast")
    assert screen.text("found") == (
        "wait>fast: 'fast' is no duration: write a number and its unit, such as 20ms"
    )
    assert len(screen.tasks()) == 6


def test_a_filter_hides_requests_without_a_match(show: Show) -> None:
    screen = show(random_timelines(9, 2))
    screen.search("/items/3")
    assert screen.state("v.app.shown[0].count") == 1


def test_typing_a_filter_moves_nothing(show: Show) -> None:
    screen = show(checkout())
    before = screen.view
    screen.press("/")
    screen.page.keyboard.type("fnt0 ad")
    screen.settle()
    assert screen.view == before
    assert screen.page.locator("[data-part=search]").input_value() == "fnt0 ad"


def legend(screen: Screen) -> list[str]:
    chips = screen.page.locator(".legend .entry:visible .chip")
    return [" ".join(text.split()) for text in chips.all_inner_texts()]


def test_the_legend_counts_what_the_filter_leaves_and_toggles(show: Show) -> None:
    screen = show(checkout())
    assert legend(screen) == [
        "immediate 2", "after_route 1", "after_response 3", "ok 5", "✖ error 1",
    ]  # fmt: skip
    screen.search("mail")
    assert legend(screen)[2:4] == ["after_response 1", "ok 1"]
    screen.search("")
    screen.click("[data-key=after_response] .chip")
    assert screen.tasks() == ["validate_payment", "finalize_order", "audit"]
    chip = screen.page.locator("[data-key=after_response] .chip")
    assert chip.get_attribute("aria-pressed") == "false"
    screen.click("[data-key=after_response] .chip")
    screen.click("[data-key=error] .chip")
    assert "notify_shipping" not in screen.tasks()
    assert len(screen.tasks()) == 5


def test_the_legend_explains_what_is_there_and_no_more(show: Show) -> None:
    def key(*timelines: Timeline) -> list[str]:
        said = (
            show(timelines)
            .page.locator(".legend .key")
            .evaluate(
                "(key) => Array.from(key.childNodes, (node) => node.nodeValue).filter(Boolean)"
            )
        )
        assert isinstance(said, list)
        return said

    always = ["waits: late", "runs", "request, its endpoint"]
    timeline = checkout()
    assert key(replace(timeline, tasks=timeline.tasks[:1], busy=[])) == always
    assert set(key(timeline)) - set(always) == {
        "held back by its mode", "held the loop", "in a worker thread",
    }  # fmt: skip
    assert set(key(watched())) - set(always) == {"held back by its mode", "span"}


def test_what_no_filter_finds_leaves_the_picture_empty(show: Show) -> None:
    screen = show(checkout())
    stage = screen.page.locator(".stage").bounding_box()
    assert stage is not None

    def has_wash() -> bool:
        color = screen.state("v.lanes.looks.wash.fill")
        shown = Person(screen).picture(stage["x"], stage["y"] + 60, stage["width"], 4)
        wanted = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
        return bool((shown[..., :3] == wanted).all(axis=-1).any())

    assert has_wash()
    screen.search("nothing of the kind")
    assert not has_wash()


def test_only_this_on_every_entry_of_the_legend(show: Show) -> None:
    screen = show(checkout())
    screen.page.locator("[data-key=immediate] .chip").hover()
    screen.click("[data-key=immediate] .only")
    assert screen.tasks() == ["validate_payment", "audit"]
    screen.click("[data-key=immediate] .only")
    assert len(screen.tasks()) == 6
    screen.page.keyboard.down("Shift")
    screen.click("[data-key=error] .chip")
    screen.page.keyboard.up("Shift")
    assert screen.tasks() == ["notify_shipping"]


def test_hiding_what_went_well_leaves_the_requests_with_failures(show: Show) -> None:
    timelines = random_timelines(50, 2)
    for timeline in timelines:
        for task in timeline.tasks:
            task.outcome = "ok"
    timelines[7].tasks[1].outcome = "error"
    screen = show(timelines)
    screen.click("[data-key=ok] .chip")
    assert screen.text("found") == "1 of 100 tasks · 1 of 50 requests"


def test_what_an_app_does_in_its_lifespan_is_no_request(show: Show) -> None:
    worker = TaskRecord("worker", "spawned", 0, 0, 1_000_000, 90_000_000, "cancelled")
    lifespan = Timeline(-1, "lifespan", "lifespan", "of the app", 0, 0, request_end=100_000_000)
    lifespan.tasks.append(worker)
    screen = show([lifespan, checkout(1), checkout(2)])
    assert screen.text("found") == "13 tasks · 2 requests"
    screen.search("worker")
    assert screen.text("found") == "1 of 13 tasks · 0 of 2 requests"
    assert screen.tasks() == ["worker"]
