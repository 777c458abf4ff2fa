"""Two runs of many requests: what changed stands first, and the lanes show one pair."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from fastapi_tasks.timeline import Timeline
from tests.samples import random_timelines
from visualize.words import duration

from .person import Person
from .screen import Screen

Show = Callable[..., Screen]


def run(seed: int, *, factor: int = 1, requests: int = 600) -> list[Timeline]:
    """A run in which one kind of task takes `factor` times as long."""
    timelines = random_timelines(requests, 3, seed)
    for timeline in timelines:
        for number, task in enumerate(timeline.tasks):
            if task.name == "task_1":
                slower = task.finished + (factor - 1) * task.ran
                timeline.tasks[number] = replace(task, mode="immediate", finished=slower)
    return timelines


@pytest.fixture(scope="module")
def runs() -> dict[str, list[Timeline]]:
    return {"before": run(1), "after": run(2, factor=4)}


def requests_in(screen: Screen) -> list[tuple[str, str]]:
    """The requests that have rows: of which run each is, and its title."""
    found = screen.state(
        "v.scene.bands.map(({of, request}) =>"
        " [v.recordings[of].label, v.recordings[of].title(request)])"
    )
    return [(label, title) for label, title in found]


def ran(timelines: list[Timeline]) -> list[int]:
    return sorted(
        task.ran
        for timeline in timelines
        for task in timeline.tasks
        if task.name == "task_1" and task.ran
    )


@pytest.mark.parametrize("width", [400, 1280])
def test_what_changed_stands_first_and_one_pair_in_the_lanes(
    show: Show, runs: dict[str, list[Timeline]], width: int
) -> None:
    screen = show(runs, width=width)
    person = Person(screen)
    person.sees(
        r"before against after ?: \d+ of \d+ rows changed, most first\. .* task_1 immediate slower"
    )
    assert not screen.visible("[data-part=why]")
    screen.show("lanes")
    assert [label for label, _ in requests_in(screen)] == ["before", "after"]
    assert not screen.painted()
    person.sees(r"task_1")


def test_two_like_runs_are_said_to_be_so(show: Show, runs: dict[str, list[Timeline]]) -> None:
    screen = show({"one": runs["before"], "other": runs["before"]})
    Person(screen).sees(r"one against other ?: nothing changed\.")


def test_the_pair_stands_where_it_was_chosen_to_stand(
    show: Show, runs: dict[str, list[Timeline]]
) -> None:
    screen = show(runs)
    screen.show("lanes")
    screen.page.locator("[data-part=like]").select_option(label="task_1 immediate")
    for level, share in (("50", 0.5), ("95", 0.95), ("100", 1.0)):
        screen.page.locator("[data-part=level]").select_option(level)
        screen.settle()
        for label, title in requests_in(screen):
            timeline = next(one for one in runs[label] if one.title == title)
            lasted = ran(runs[label])
            at_level = lasted[max(-(-len(lasted) * int(share * 100) // 100) - 1, 0)]
            assert at_level in ran([timeline]), (label, level, duration(at_level))
    first = requests_in(screen)
    screen.press("f")
    assert requests_in(screen) == first


def test_what_one_goes_to_stands_beside_its_like(
    show: Show, runs: dict[str, list[Timeline]]
) -> None:
    screen = show(runs)
    screen.click(".panel-compare .go >> nth=0")
    before = requests_in(screen)
    for key in ("n", "e", "e"):
        screen.press(key)
        recording = "v.pinned.recording"
        pinned = screen.state(f"[{recording}.label, {recording}.title(v.pinned.owner)]")
        assert tuple(pinned) in requests_in(screen)
        assert len(requests_in(screen)) == 2
    assert requests_in(screen) != before
    screen.press("0")
    assert screen.state("v.app.like") is None


def test_a_pair_follows_the_filter_and_few_need_no_choice(
    show: Show, runs: dict[str, list[Timeline]]
) -> None:
    screen = show(runs)
    screen.show("lanes")
    screen.search("route:/items method:GET")
    assert all(title.startswith("GET /items") for _, title in requests_in(screen))
    assert len(requests_in(screen)) == 2
    screen.search("#599")
    assert sorted(requests_in(screen)) == sorted(
        (label, one.title) for label, run in runs.items() for one in run if one.id == 599
    )


def test_a_pair_is_shared_by_its_address(show: Show, runs: dict[str, list[Timeline]]) -> None:
    screen = show(runs)
    screen.show("lanes")
    screen.page.locator("[data-part=like]").select_option(label="task_1 immediate")
    screen.page.locator("[data-part=level]").select_option("100")
    screen.settle()
    chosen = requests_in(screen)
    screen.page.wait_for_url(re.compile("pair=100"))
    screen.page.reload()
    screen.settle()
    assert requests_in(screen) == chosen


def test_three_runs_are_compared_by_one_request_each(show: Show) -> None:
    screen = show({label: run(seed, requests=60) for seed, label in enumerate("abc")})
    screen.show("lanes")
    assert [label for label, _ in requests_in(screen)] == ["a", "b", "c"]
    assert not screen.visible(".panels [data-with=compare]")


def test_by_the_clock_all_requests_have_their_place(
    show: Show, runs: dict[str, list[Timeline]]
) -> None:
    screen = show(runs)
    screen.show("lanes")
    screen.page.locator("[data-part=align]").select_option("clock")
    screen.settle()
    assert screen.state("v.app.pair") is None
    assert screen.painted()
    assert [text for text in screen.texts() if "requests" in text] == 2 * ["600 requests"]
    assert {"before", "after"} <= {*screen.texts()}


def test_the_scatter_shows_one_run(show: Show, runs: dict[str, list[Timeline]]) -> None:
    screen = show(runs)
    screen.show("summary")
    run = screen.page.get_by_label("Whose points")
    assert run.locator("option").all_inner_texts() == ["before", "after"]
    run.select_option("after")
    x, y, width, height = screen.page.locator(".scatter canvas").bounding_box().values()
    spots = [(x + width * (n + 0.5) / 40, y + height * 0.8) for n in range(5, 40)]
    for spot in spots:
        screen.page.mouse.click(*spot)
        screen.settle()
        if screen.state("v.app.panel") == "lanes":
            break
    assert screen.state("v.app.pinned.of") == 1
