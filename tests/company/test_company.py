"""S4: whatever looks at an app sees the same with `add_tasks`, and `add_tasks` works beside it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .shop import tasks_in

Result = dict[str, Any]
Saw = dict[str, list[str]]
TASKS_ONLY = "task spans"


def test_without_add_tasks_it_sees_something_to_compare(plain: Result) -> None:
    saw = {what: lines for what, lines in plain["saw"].items() if what != TASKS_ONLY}
    assert saw
    assert all(saw.values()), saw
    assert plain["timelines"] == []
    assert plain["saw"].get(TASKS_ONLY, []) == []


def test_it_sees_the_same_with_add_tasks(plain: Result, ours: Result) -> None:
    expected = dict(plain["saw"])
    if TASKS_ONLY in expected:
        expected[TASKS_ONLY] = sorted(tasks_in(plain["due"]))
    found = differences(expected, ours["saw"])
    assert not found, "\n" + "\n".join(found)


def differences(plain: Saw, ours: Saw) -> list[str]:
    """Return the lines that only one of the two has, each with a sign and what it is about."""
    found = []
    for what in plain.keys() | ours.keys():
        without, beside = Counter(plain.get(what, ())), Counter(ours.get(what, ()))
        found += [f"missing {what}: {line}" for line in (without - beside).elements()]
        found += [f"added {what}: {line}" for line in (beside - without).elements()]
    return sorted(found)


def test_each_request_is_recorded_with_its_tasks(ours: Result) -> None:
    assert ours["timelines"] == ours["due"]


def test_each_task_sees_the_context_in_which_it_was_scheduled(ours: Result) -> None:
    looked = [tuple(one) for one in ours["looked"]]
    assert len(looked) == len(tasks_in(ours["due"]))
    assert [(task, found) for task, found, _ in looked] == [(task, due) for task, _, due in looked]
