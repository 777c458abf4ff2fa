"""Nanoseconds in the units of people, and a timeline that answers by name."""

from __future__ import annotations

import pytest

from fastapi_tasks import TaskRecord, Timeline
from tests.samples import MS, WALL, checkout
from visualize import ms, s, us
from visualize.units import nanoseconds


def test_a_time_reads_in_the_unit_that_is_asked_for() -> None:
    ran = checkout().task("send_mail").ran
    assert (us(ran), ms(ran), s(ran)) == (29_300, 29.3, 0.0293)


@pytest.mark.parametrize("unit", [us, ms, s])
def test_what_did_not_happen_took_no_time_that_could_be_read(unit: object) -> None:
    waiting = TaskRecord("mail", "after_response", 0)
    with pytest.raises(TypeError, match="did not happen"):
        unit(waiting.ran)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1ns", 1),
        ("2us", 2_000),
        ("2\u00b5s", 2_000),
        ("2\u03bcs", 2_000),
        ("20ms", 20 * MS),
        ("1.5 s", 1_500 * MS),
        (".5s", 500 * MS),
        ("2min", 120_000 * MS),
        ("0.1234567891s", 123_456_789),
        ("0ms", 0),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, ns: int) -> None:
    assert nanoseconds(text) == ns


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("20", "has no unit: write 20ms"),
        ("20h", "no unit that is known: write one of ns, "),
        ("fast", "no duration"),
        ("-20ms", "no duration"),
        ("1.ms", "no duration"),
        ("1e3ms", "no duration"),
        ("٣ms", "no duration"),
        ("9" * 400 + "s", "no duration"),
        ("", "no duration"),
    ],
)
def test_what_is_no_duration_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        nanoseconds(text)


def test_a_timeline_names_its_tasks_in_the_order_of_their_start() -> None:
    assert checkout().order == [
        "validate_payment", "finalize_order", "send_mail", "notify_shipping", "print_label",
        "audit",
    ]  # fmt: skip


def test_a_task_that_never_started_has_no_place_in_the_order() -> None:
    tasks = [TaskRecord("mail", "after_response", 1), TaskRecord("log", "immediate", 2, 2, 0)]
    assert Timeline(1, "http", "GET", "/", WALL, 0, tasks=tasks).order == ["log"]


def test_a_task_is_found_by_its_name_and_the_first_of_several_is_meant() -> None:
    tasks = [TaskRecord("mail", "immediate", 7), TaskRecord("mail", "immediate", 3)]
    timeline = Timeline(1, "http", "GET", "/", WALL, 0, tasks=tasks)
    assert timeline.task("mail").requested == 3


def test_a_task_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(LookupError, match="POST /checkout #1 has no task named 'fax': it has val"):
        checkout().task("fax")
    with pytest.raises(LookupError, match="it scheduled none"):
        Timeline(1, "http", "GET", "/", WALL, 0).task("fax")
