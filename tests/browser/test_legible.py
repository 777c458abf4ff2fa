"""Nothing that is written is torn, covered, cut off or on top of something else."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from fastapi_tasks.timeline import Timeline
from tests.samples import MS, checkout, random_timelines, watched

from .screen import Label, Screen

Show = Callable[..., Screen]

NAMES = ["send_mail", "m", "📦 pack", "שלום", "an exceedingly long name " * 4, "tidy_up_after_all"]


def mixed(requests: int) -> list[Timeline]:
    """Requests of all kinds, with names of all lengths, close to each other."""
    rng = random.Random(requests)
    many = random_timelines(requests, 5)
    for number in range(0, requests, 3):
        make = rng.choice([checkout, watched])
        many[number] = make(number + 1, many[number].request_start)
    for timeline in many:
        timeline.process = 7
        for task in timeline.tasks:
            if rng.random() < 0.5:
                task.name = rng.choice(NAMES)
    return many


def collisions(screen: Screen) -> list[tuple[str, str]]:
    """All pairs of labels whose boxes overlap, and labels that leave the picture."""
    labels = sorted(screen.labels(), key=lambda label: label.x)
    width = screen.state("v.width")
    found = [
        (label.words, "the edge")
        for label in labels
        if label.x < 0 or label.x + label.width > width
    ]
    for number, one in enumerate(labels):
        for other in labels[number + 1 :]:
            if other.x >= one.x + one.width:
                break
            if one.overlaps(other):
                found.append((one.words, other.words))
    return found


@pytest.mark.parametrize("requests", [1, 5, 60, 2000])
@pytest.mark.parametrize("width", [400, 1280, 1920])
def test_no_two_labels_overlap_before_and_after_zooms(
    show: Show, width: int, requests: int
) -> None:
    screen = show(mixed(requests), width=width)
    screen.show("lanes")
    found: dict[str, list[tuple[str, str]]] = {"at first": collisions(screen)}
    seen: list[Label] = screen.labels()
    for keys in (
        "+ +",
        "+ + + +",
        "ArrowRight ArrowDown",
        "+ +",
        "f n Enter",
        "- - -",
        "N N Enter",
    ):
        screen.press(*keys.split())
        found[keys] = collisions(screen)
        seen += screen.labels()
    screen.press("Escape", "f")
    for group in ("route", "task", "thread"):
        screen.page.locator("[data-part=group]").select_option(group)
        screen.settle()
        found[group] = collisions(screen)
        screen.press("+", "+", "+", "+")
        found[f"{group}, closer"] = collisions(screen)
        screen.press("f")
    assert {when: pairs for when, pairs in found.items() if pairs} == {}
    assert len({label.words for label in seen}) > 10


PIECES = """([selector, words]) => {
    const root = document.querySelector(selector);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = {};
    while (walker.nextNode()) for (const word of words) {
        const at = walker.currentNode.data.indexOf(word);
        if (at < 0 || word in found) continue;
        const range = document.createRange();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + word.length);
        found[word] = range.getBoundingClientRect().x;
    }
    return words.map((word) => found[word]);
}"""


def test_a_name_that_is_read_from_the_right_leaves_its_sentence_whole(show: Show) -> None:
    timeline = checkout()
    timeline.tasks[4].name = "שלום עולם"
    screen = show(timeline)
    words = ["(after_response)", "failed", "ConnectionError", "in POST"]
    places = screen.page.evaluate(PIECES, [".why li button", words])
    assert places == sorted(places)
    screen.press("e")
    places = screen.page.evaluate(PIECES, [".details h2 ~ ul:last-of-type", words[:2]])
    assert places == sorted(places)


def test_what_is_code_in_a_finding_is_written_as_code(show: Show) -> None:
    timeline = checkout()
    timeline.busy[0].end = timeline.busy[0].start + 120 * MS
    screen = show(timeline)
    assert "def" in screen.page.locator(".why code").all_inner_texts()
    assert "`" not in screen.text("why")


def test_a_double_click_zooms_to_a_bar_that_its_details_moved_away(show: Show) -> None:
    screen = show([checkout(1), checkout(2, 200 * MS)], width=1280)
    bar = screen.find("audit")
    screen.page.mouse.dblclick(*bar.center)
    screen.settle()
    assert screen.find("audit").center[0] != pytest.approx(bar.center[0], abs=20)
    begin, end = screen.state("v.lanes.extent(v.app.pinned)")
    assert screen.sentence().startswith("audit ")
    assert screen.view.span < 2 * (end - begin)


@pytest.mark.parametrize("height", [700, 800])
def test_on_a_small_screen_what_is_chosen_stays_in_sight(show: Show, height: int) -> None:
    screen = show([checkout(n, n * 50 * MS) for n in range(1, 4)], width=400, height=height)
    for _ in range(18):
        screen.press("n")
        name = screen.sentence().split()[0]
        row = screen.state("v.lanes.locator().locate(v.app.pinned)")
        stage = screen.page.locator(".stage").bounding_box()
        details = screen.page.locator(".details").bounding_box()
        assert row["y"] >= screen.state("v.lanes.locator().top") - 1, name
        assert row["y"] + row["h"] <= stage["height"] + 1, name
        assert stage["y"] + stage["height"] <= details["y"] + 1


def test_details_cover_neither_findings_nor_legend(show: Show) -> None:
    screen = show(random_timelines(60, 5), width=1280, height=800)
    screen.show("lanes")
    screen.press("n")
    details = screen.page.locator(".details").bounding_box()
    for part in (".why", ".legend", ".stage"):
        box = screen.page.locator(part).bounding_box()
        assert box["x"] + box["width"] <= details["x"], part


def test_the_times_under_the_scatter_stand_apart(show: Show) -> None:
    for width in (400, 700, 1280):
        screen = show(random_timelines(60, 2), width=width)
        written = screen.page.evaluate(
            """() => {
                const found = [];
                const { fillText } = CanvasRenderingContext2D.prototype;
                CanvasRenderingContext2D.prototype.fillText = function (words, x) {
                    if (/^\\d\\d:/.test(words)) found.push([x, x + this.measureText(words).width]);
                    return fillText.apply(this, arguments);
                };
                document.querySelector(".scatter select").onchange();
                CanvasRenderingContext2D.prototype.fillText = fillText;
                return found;
            }"""
        )
        assert len(written) >= 2
        assert all(one[1] < other[0] for one, other in pairwise(written)), width


def test_three_hours_are_read_in_hours_on_the_ruler(show: Show) -> None:
    timeline = checkout()
    timeline.tasks[2].finished = 3 * 3_600_000 * MS
    screen = show(timeline)
    ruler = [label.words for label in screen.labels() if label.y < 10]
    assert ruler == ["0", "30 min", "1 h", "1 h 30 min", "2 h", "2 h 30 min", "3 h"]
    assert "send_mail  3 h" in screen.texts()


def test_weeks_are_read_in_days_on_the_ruler(show: Show) -> None:
    screen = show([checkout(1), checkout(2, 30 * 24 * 3_600_000 * MS)])
    ruler = [label.words for label in screen.labels() if label.y < 10]
    assert ruler[0] == "0"
    assert ruler[-1] == "30 d"
    assert all(words.endswith(" d") for words in ruler[1:])


def test_a_mode_that_holds_nothing_back_has_no_such_time_in_the_table(show: Show) -> None:
    screen = show(checkout())
    screen.show("table")
    rows = screen.page.locator(".panel-table tbody tr").all()
    held = {row.locator("th").inner_text(): row.locator("td").nth(3).inner_text() for row in rows}
    assert held["validate_payment"] == "–"
    assert held["send_mail"] == "1.4 ms"


def test_without_tasks_there_is_no_legend_to_explain(show: Show) -> None:
    timeline = checkout()
    timeline.tasks, timeline.busy = [], []
    assert not show(timeline).visible(".legend")
    assert show(checkout()).visible(".legend")


OUTSIDE = """() => Array.from(document.querySelectorAll("header *, .scatter select"))
    .map((one) => [one.getBoundingClientRect(), one])
    .filter(([{left, right}, one]) => one.checkVisibility() && (left < 0 || right > innerWidth))
    .map(([, one]) => one.textContent)"""


@pytest.mark.parametrize("width", [280, 320, 400])
def test_on_the_narrowest_screen_all_controls_are_in_sight(show: Show, width: int) -> None:
    runs = {"before": random_timelines(60, 2), "after": random_timelines(60, 2, 1)}
    screen = show(runs, width=width, height=640)
    for panel in ("compare", "summary", "lanes", "table"):
        screen.show(panel)
        assert screen.page.evaluate(OUTSIDE) == [], panel
        assert screen.page.evaluate("document.documentElement.scrollWidth") == width
        assert screen.page.evaluate("document.querySelector('#timeline').scrollWidth") == width


@pytest.mark.parametrize("width", [280, 400, 700])
def test_what_can_be_saved_is_in_sight_wherever_the_button_stands(show: Show, width: int) -> None:
    screen = show(checkout(), width=width, title="A title that needs a line of its own " * 2)
    screen.click("summary")
    assert screen.visible("button[data-with=json]")
    assert screen.page.evaluate(OUTSIDE) == []
    screen.page.keyboard.press("Escape")
    assert not screen.visible("button[data-with=json]")


def test_help_begins_at_its_beginning(show: Show) -> None:
    screen = show(checkout(), width=400)
    screen.press("?")
    assert screen.page.evaluate("document.querySelector('dialog').scrollTop") == 0
    screen.page.keyboard.press("End")
    screen.page.wait_for_function("() => document.querySelector('dialog').scrollTop > 100")
    screen.page.keyboard.press("Escape")
    assert not screen.visible("dialog")


def test_a_task_that_waits_all_through_the_view_has_its_name(show: Show) -> None:
    timeline = checkout()
    timeline.tasks[2] = replace(timeline.tasks[2], started=400 * MS, finished=900 * MS)
    screen = show(timeline)
    bar = screen.find("send_mail")
    while screen.view.end > 100 * MS:
        screen.wheel(bar.x + 30, bar.y + 5, 0, -200, held="Control")
    assert any(text.startswith("send_mail") for text in screen.texts())


def test_no_two_columns_are_called_the_same(show: Show) -> None:
    screen = show({"before": checkout(1), "after": checkout(2)})
    screen.show("table")
    heads = screen.page.locator(".panel-table thead button").all_inner_texts()
    assert len(set(heads)) == len(heads) > 5


@pytest.mark.parametrize("width", [280, 400, 520])
def test_no_status_stands_without_its_request(show: Show, width: int) -> None:
    screen = show([checkout(n + 1, n * 30 * MS) for n in range(8)], width=width)
    for zoom in (1, 0.7, 0.7):
        screen.state(f"v.lanes.zoom({zoom})")
        screen.settle()
        labels = screen.labels()
        for status in (label for label in labels if label.words == "200"):
            before = [label for label in labels if label.y == status.y and label.x < status.x]
            assert max(before, key=lambda label: label.x).words.startswith("PO")
