"""Each promise has a test of its name, and each sentence that README lets a user rely on has some.

Whether those tests hold what the sentence says is for a reader to judge; that they are there, and
that no sentence comes in without any, is what is held here.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache

import pytest

from fastapi_tasks import Recorder, add_tasks

from .processes import ROOT

PROMISES = [
    *(f"T{number}" for number in range(1, 14)),
    *("I1", "I2", "I3", "S1", "S1a", "S1b", "S2", "S3", "S4", "S5", "S6", "S7"),
]

RELY: dict[str, list[str]] = {
    "Nothing a task raises reaches anything else": [
        "test_isolation.py::TestI1NothingIsReached",
        "stress/test_isolation.py::test_i1_no_trouble_spreads",
        "test_published.py::TestSystemExitInATask",
    ],
    "Each failure is logged once": [
        "test_isolation.py::TestI2Logging",
        "test_isolation.py::TestI3ErrorHandlers::test_get_the_task_and_what_it_raised",
    ],
    "A task that enters a nursery": [
        "test_left_open.py::TestI1WhatATaskLeavesOpen",
    ],
    "A shutdown loses nothing silently and always ends": [
        "stress/test_stress.py::test_what_tasks_write_down_is_what_is_recorded",
        "test_servers.py::TestS1Shutdown",
        "test_torn_down.py::test_s1_no_task_is_blamed_or_left_unnamed",
    ],
    "Tasks finish while your lifespan's resources are still open": [
        "test_servers.py::TestS1Shutdown"
        "::test_the_grace_period_lets_all_finish_also_queued_and_new_ones",
        "test_published.py::TestSigterm",
        "test_draining.py::test_s1a_nothing_is_accepted_while_the_apps_own_resources_close",
    ],
    "All have 5 s, then": [
        "test_promises.py::test_the_limits_of_a_shutdown_are_those_that_readme_says",
        "test_shutdown.py::TestS1Shutdown"
        "::test_all_may_finish_then_unshielded_are_cancelled_then_the_rest_is_abandoned",
    ],
    "The log says at the start": [
        "test_sigterm.py::TestS1AStartOfTheShutdown",
        "test_draining.py::TestWhatTheLogNames",
    ],
    "A queued `def` function": [
        "test_withdrawal.py::TestABacklogAtTheEndOfTheGracePeriod",
        "test_sigterm.py::TestS1aCancelledMeansItDidNotRun",
    ],
    "`add_tasks(app, grace_period=…": [
        "test_lifespan_ways.py::TestS1bTheLifespanContext::test_keeps_the_limits_of_a_shutdown",
        "test_sigterm.py::TestS1Gunicorn",
    ],
    "Each lifespan has its own tasks": ["test_lifespans.py::TestS1bTwoServersOnOneLoop"],
    "An app may be up several times at once": [
        "test_lifespans.py::TestS1bTestClients",
        "test_lifespans.py::TestS1bRealServers",
    ],
    "Where no lifespan is up on that loop": [
        "test_lifespans.py::TestS1bALoopWithoutALifespan",
        "test_bad_input.py::TestTasksWhereNoneCanRun",
    ],
    "Memory is bounded": [
        "test_memory.py::test_s3_memory_stays_flat_over_many_tasks_of_one_request",
    ],
    "The recorder keeps the last 256 requests": [
        "test_promises.py::test_a_recorder_keeps_as_much_as_readme_says",
        "test_isolation.py::TestS3Memory::test_the_recorder_keeps_the_last_and_counts_the_rest",
        "test_isolation.py::TestS3Memory::test_a_finished_task_keeps_nothing_of_its_arguments_alive",
        "test_bounds.py::TestTheTasksOfARequest",
        "test_bounds.py::TestWhatHeldTheLoop",
        "test_watch_telemetry.py::test_ten_thousand_spans_are_bounded_and_counted",
    ],
    "Other tools see what they saw before": [
        "company/test_company.py::test_it_sees_the_same_with_add_tasks",
    ],
    "Starlette's error middleware stays in its place": [
        "test_layers.py::TestS4TheErrorLayer",
        "test_layers.py::TestS4WhatIsPatchedOnTheClass",
    ],
    "`make test-company` runs": [
        "company/test_company.py::test_without_add_tasks_it_sees_something_to_compare",
        "company/test_company.py::test_it_sees_the_same_with_add_tasks",
        "company/upstream/test_suites.py::test_what_passes_without_ours_passes_with_it",
    ],
    "Nothing that a client sends": [
        "test_names.py::TestS5WhatAnAppSays",
        "test_names.py::TestS5NoPainterLetsAControlThrough",
    ],
    "Only tracebacks are Python's own": [
        "test_isolation.py::TestI2Logging"
        "::test_each_failure_once_with_traceback_and_without_arguments",
    ],
    "`timeout` is how many seconds": ["test_slots.py::TestTimeout"],
    "After that, a coroutine is cancelled": [
        "test_slots.py::TestTimeout::test_ends_a_coroutine",
        "test_slots.py::TestInAThread::test_a_function_is_let_go_and_keeps_its_slot",
    ],
    "`limit` is how many run at once": ["test_slots.py::TestLimit"],
    "The wait for a slot": [
        "test_slots.py::TestLimit::test_that_is_a_number_counts_each_function",
    ],
    "The recording also names whatever held the event loop": [
        "test_busy_segments.py::TestBusySegments",
        "test_claims_modes.py::test_claim_1_but_a_task_that_blocks_the_loop_holds_everything_up",
    ],
    "With an OpenTelemetry SDK configured": [
        "test_telemetry.py::test_a_task_is_a_span_whose_parent_was_current_where_it_was_scheduled",
    ],
}
"""How each sentence begins, and what holds it."""


def section() -> str:
    """What README says under this heading, without its code and its tables."""
    _, _, after = (ROOT / "README.md").read_text().partition("\n## What you can rely on\n")
    text = re.sub(r"```.*?```", "", after.partition("\n## ")[0], flags=re.DOTALL)
    return re.sub(r"^ *\|.*$", "", text, flags=re.MULTILINE)


def sentences() -> list[str]:
    points = re.split(r"\n(?=- )|\n\n", section())
    bare = (" ".join(point.removeprefix("- ").replace("**", "").split()) for point in points)
    return [one for point in bare for one in re.split(r"(?<=\.) (?=[A-Z`])", point) if one]


@cache
def names_in(path: str) -> set[str]:
    """Name the classes and the tests of a file, as pytest does."""
    return set(_names_in(path))


def _names_in(path: str) -> Iterator[str]:
    for node in ast.parse((ROOT / "tests" / path).read_text()).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{path}::{node.name}"
            yield from (
                f"{path}::{node.name}::{inner.name}"
                for inner in node.body
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef))
            )


def test_each_sentence_that_a_user_can_rely_on_is_listed_and_no_other() -> None:
    found = {one: [begin for begin in RELY if one.startswith(begin)] for one in sentences()}
    assert {one: begins for one, begins in found.items() if len(begins) != 1} == {}
    assert {begin for begins in found.values() for begin in begins} == set(RELY)


@pytest.mark.parametrize("sentence", RELY)
def test_what_holds_it_is_there(sentence: str) -> None:
    for test in RELY[sentence]:
        assert test in names_in(test.partition("::")[0])


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_has_tests_of_its_name(promise: str) -> None:
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    names = (
        name.rpartition("::")[2]
        for path in files
        for name in names_in(path.relative_to(ROOT / "tests").as_posix())
    )
    pattern = rf"Test{promise}(?![0-9a-z])|test_{promise.lower()}_"
    assert [name for name in names if re.match(pattern, name)] != []


def test_a_recorder_keeps_as_much_as_readme_says() -> None:
    said = re.search(
        r"last ([\d,]+) requests, of each the last ([\d,]+) tasks, ([\d,]+)\s+spans and ([\d,]+)",
        section(),
    )
    assert said
    options = inspect.signature(Recorder).parameters
    bounds = ("maxlen", "max_tasks", "max_spans", "max_busy")
    assert [int(number.replace(",", "")) for number in said.groups()] == [
        options[name].default for name in bounds
    ]
    held = re.search(r"for more than (\d+) ms", section())
    assert held
    assert int(held[1]) == options["busy_threshold"].default * 1000


def test_the_limits_of_a_shutdown_are_those_that_readme_says() -> None:
    said = re.search(r"All have (\d+) s, .* shielded ones\s+have (\d+) s in all", section())
    assert said
    options = inspect.signature(add_tasks).parameters
    limits = (options["grace_period"].default, options["shutdown_timeout"].default)
    assert tuple(map(int, said.groups())) == limits
