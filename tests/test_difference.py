"""Two recordings, one beside the other: what changed is told from noise."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import anyio
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks import Recorder, Tasks, Timeline, add_tasks
from tests.runs import Shop, run
from tests.samples import MS, checkout
from tests.strategies import recordings, unhurried
from visualize import difference
from visualize.answers.difference import Change, FailIf, FailIfError, Shift, noise
from visualize.lab import Lab, serve

# Noise ---------------------------------------------------------------------------------------


def test_runs_without_any_overlap_are_unlikely_to_be_the_same() -> None:
    assert noise.rank_test(range(14), range(14, 28)) < 1e-5
    assert noise.rank_test(range(14, 28), range(14)) < 1e-5


def test_equal_runs_are_the_same() -> None:
    assert noise.rank_test([1, 2, 3], [1, 2, 3]) == 1
    assert noise.rank_test([5] * 9, [5] * 9) == 1
    assert noise.rank_test([5], [5]) == 1


def test_the_rank_test_agrees_with_its_table() -> None:
    # Of 8 and 8 values, a sum of ranks of 49 has a two-sided p of 0.05, to two digits.
    first = [1, 2, 3, 4, 6, 9, 11, 13]
    second = [5, 7, 8, 10, 12, 14, 15, 16]
    assert sum(first) == 49
    assert noise.rank_test(first, second) == pytest.approx(0.05, abs=0.005)


def test_one_in_twenty_draws_of_the_same_has_a_p_below_a_twentieth() -> None:
    rng = random.Random(7)
    found = [
        noise.rank_test([rng.random() for _ in range(14)], [rng.random() for _ in range(14)])
        for _ in range(2000)
    ]
    assert 0.035 <= sum(p < 0.05 for p in found) / len(found) <= 0.055


def test_the_more_is_tested_the_clearer_it_must_be() -> None:
    assert noise.significant([0.009]) == [True]
    assert noise.significant([0.009, 0.5]) == [False, False]
    assert noise.significant([0.5, 0.004, 0.0001, 0.02]) == [False, False, True, False]
    assert noise.significant([0.002, 0.0001, 0.0033]) == [True, True, True]
    assert noise.significant([]) == []


@given(st.lists(st.lists(st.integers(-20 * MS, 20 * MS), max_size=4), max_size=6))
def test_a_floor_is_what_the_other_rows_moved_by(moved: list[list[int]]) -> None:
    for row, found in enumerate(noise.floors(moved)):
        others = sorted(abs(by) for at, many in enumerate(moved) for by in many if at != row)
        most = sum(by <= found / 2 for by in others) >= 0.75 * len(others)
        assert noise.LEAST <= found <= noise.MOST
        assert most or found == noise.MOST
        assert found == noise.LEAST or sum(by < found / 2 for by in others) < 0.75 * len(others)


@given(st.lists(st.integers(), min_size=1, max_size=200), st.integers(1, 30))
def test_stretches_are_the_whole_run_in_order(values: list[int], size: int) -> None:
    found = noise.stretches(values, size)
    assert [value for stretch in found for value in stretch] == values
    assert len(values) < size or all(size <= len(one) < 2 * size for one in found)


# Two runs ------------------------------------------------------------------------------------


def changed(found: list[Change]) -> list[str]:
    return [change.name for change in found if not change.noise]


def test_of_two_runs_of_the_same_app_all_rows_are_noise_in_19_of_20_pairs() -> None:
    pairs = [difference(run(seed), run(seed + 1)) for seed in range(0, 80, 2)]
    assert sum(not changed(list(found.changes)) for found in pairs) >= 38


CURES = {
    "resize": Shop(hold=40),
    "GET /search": Shop(search=20),
    "send_mail": Shop(mail=60),
}


@pytest.mark.parametrize("name", CURES)
def test_the_row_that_was_cured_comes_first(name: str) -> None:
    for seed in range(0, 20, 2):
        first = difference(run(seed, CURES[name]), run(seed + 1)).changes[0]
        assert first.name == name
        assert {shift.verdict for shift in first.shifts} & {"faster", "less"}


def test_a_row_that_got_worse_comes_first_as_well() -> None:
    first = difference(run(0), run(1, Shop(search=20))).changes[0]
    assert first.name == "GET /search"
    p50 = first.shift("response", 50)
    assert p50 is not None
    assert p50.verdict == "slower"
    assert p50.share == pytest.approx(0.66, abs=0.1)


def test_what_holds_the_loop_comes_before_those_that_it_slows() -> None:
    found = difference(run(0, Shop(hold=40)), run(1)).changes
    assert changed(list(found))[0] == "resize"
    assert {"GET /items", "GET /search", "POST /orders", "GET /health"} <= set(changed(list(found)))


def test_what_moved_more_time_altogether_comes_first() -> None:
    found = difference(run(0, Shop(search=20, mail=100)), run(1)).changes
    assert changed(list(found))[:2] == ["send_mail", "GET /search"]
    found = difference(run(0, Shop(search=90, mail=60)), run(1)).changes
    assert changed(list(found))[:2] == ["GET /search", "send_mail"]


def test_more_failures_are_a_change() -> None:
    first = difference(run(0), run(1, Shop(failing=0.3))).changes[0]
    errors = first.shift("errors")
    assert first.name == "send_mail"
    assert errors is not None
    assert (errors.verdict, errors.before, errors.share) == ("more", 0, None)
    assert errors.by == errors.after > 20


def test_a_run_compared_with_itself_is_nothing_but_noise() -> None:
    timelines = run(3, Shop(hold=40, failing=0.1))
    for change in difference(timelines, timelines).changes:
        assert change.noise
        assert change.before == change.after
        assert {shift.by for shift in change.shifts} == {0}


def test_few_samples_are_never_more_than_noise() -> None:
    first, second = ([checkout(number) for number in range(4)] for _ in range(2))
    for timeline in second:
        timeline.response_sent = timeline.request_start + 5_000 * MS
        timeline.error = "OSError"
    assert changed(list(difference(first, second).changes)) == []


def test_rows_are_new_or_gone_and_stand_before_noise() -> None:
    before, after = run(0), [replace(one, method="PUT") for one in run(1)]
    found = difference(before, after).changes
    assert {change.name for change in found if change.after is None} == {
        "GET /items", "GET /search", "POST /orders", "GET /health",
    }  # fmt: skip
    assert {change.name for change in found if change.before is None} == {
        "PUT /items", "PUT /search", "PUT /orders", "PUT /health",
    }  # fmt: skip
    assert [change.noise for change in found] == [False] * 8 + [True] * 2


def test_runs_of_different_length_are_compared_by_request() -> None:
    shop = Shop(failing=0.2)
    found = difference(run(0, shop, 400), run(1, shop, 1600)).changes
    mail = next(change for change in found if change.name == "send_mail")
    errors = mail.shift("errors")
    assert errors is not None
    assert errors.after > 2 * errors.before
    assert errors.noise
    assert abs(errors.by) < errors.after / 2


@given(recordings, recordings)
@unhurried
def test_any_two_recordings_can_be_compared(first: list[Timeline], second: list[Timeline]) -> None:
    found = difference(first, second)
    keys = [(change.kind, change.name, change.mode) for change in found.changes]
    assert len(keys) == len(set(keys))
    for line in (found.to_text(60) + found.to_markdown()).split("\n"):
        assert line.isprintable()


# As a table ----------------------------------------------------------------------------------


def test_a_difference_is_a_table_that_says_what_noise_is() -> None:
    lines = str(difference(run(0, Shop(mail=60)), run(1))).splitlines()
    assert lines[0].split() == ["n", "before", "after", "change"]
    assert lines[1].split()[:6] == ["send_mail", "133", "→", "147", "run", "p50"]
    assert lines[1].split()[-2:] == ["−33%", "faster"]
    assert lines[2].split()[:3] == ["after_response", "run", "p95"]
    assert lines[3].split()[-1] == "noise"
    assert any(line.startswith("noise: it may well be chance") for line in lines)


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_a_table_keeps_its_width(width: int) -> None:
    found = difference(run(0, Shop(hold=40)), [*run(1), checkout()])
    lines = found.to_text(width).splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.startswith("resize ") and "held" not in line for line in lines)
    assert any("new" in line for line in lines)
    assert ("change" in lines[0]) == (width >= 80)


def test_markdown_has_the_same_lines() -> None:
    found = difference(run(0, Shop(mail=60)), run(1))
    lines = found.to_markdown().splitlines()
    assert lines[2].startswith("| `send_mail` after_response | 133 → 147 | run p50 | ")
    assert lines[3].startswith("|  |  | run p95 | ")


def test_nothing_compared_with_nothing_is_said_in_words() -> None:
    found = difference([], [])
    assert str(found) == found.to_markdown() == "Neither recording has a request."


# Conditions ----------------------------------------------------------------------------------

SLOWER = difference(run(0), run(1, Shop(search=20, failing=0.1)))
SAME = difference(run(0), run(1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("p50 > +10%", "GET /search, response p50"),
        ("response.p50 > +50%", "GET /search, response p50"),
        ("response.p50>+5ms", "GET /search, response p50"),
        ("errors > +0", "send_mail (after_response), errors 0 → "),
        ("errors > 3", "send_mail (after_response), errors 0 → "),
        ("run.p95 > 1ms", "send_mail (after_response), run p95"),
        ("p95 > 1 ms", ", and "),
    ],
)
def test_a_condition_that_is_met_says_by_which_row(text: str, says: str) -> None:
    broken = FailIf.parse(text).broken(SLOWER)
    assert broken is not None
    assert broken.startswith(f"{text}: ")
    assert says in broken
    assert "\n" not in broken


@pytest.mark.parametrize(
    "text",
    ["response.p50 > +90%", "response.p50 > +20ms", "wait.p50 > +1%", "held > +0ms", "held > 1ms",
     "errors > +100", "run.p95 > 1s"],
)  # fmt: skip
def test_a_condition_that_is_not_met_says_nothing(text: str) -> None:
    assert FailIf.parse(text).broken(SLOWER) is None


@pytest.mark.parametrize("text", ["p50 > +0%", "p95 > +0ms", "held > +0ms", "errors > +0"])
def test_noise_meets_no_condition(text: str) -> None:
    assert FailIf.parse(text).broken(SAME) is None


def test_one_more_error_among_as_many_is_one_more() -> None:
    after = run(0)
    next(task for one in after for task in one.tasks).outcome = "error"
    broken = FailIf.parse("errors > +0").broken(difference(run(0), after))
    assert broken is not None
    assert "send_mail (after_response), errors 0 → 1 (n 133 → 133)" in broken


def test_all_rows_that_meet_a_condition_are_counted() -> None:
    found = difference(run(0), run(1, Shop(search=20, mail=60)))
    broken = FailIf.parse("p50 > +20%").broken(found)
    assert broken is not None
    assert broken.endswith(", and 1 more")


def test_a_loop_that_is_held_for_longer_is_found_out() -> None:
    found = difference(run(0), run(1, Shop(hold=40)))
    broken = FailIf.parse("held > +100ms").broken(found)
    assert broken is not None
    assert "resize (after_response), held 0 → " in broken


def test_a_new_row_is_held_to_what_can_be_said_of_it() -> None:
    found = difference([], [replace(checkout(), status=500, tasks=[])])
    assert FailIf.parse("response.p95 > +10%").broken(found) is None
    assert FailIf.parse("response.p95 > 13ms").broken(found) is None
    for text in ("errors > +0", "response.p95 > 12ms"):
        assert "POST /checkout" in (FailIf.parse(text).broken(found) or "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no condition"),
        ("p95", "is no condition"),
        ("p95 < +10%", "is no condition"),
        ("p95 >", "is no condition"),
        ("p99 > +10%", "no number p99: write p50, p95, errors or held"),
        ("speed.p95 > +10%", "no duration speed"),
        ("p95 > 10%", "per cent of nothing: write > \\+10%"),
        ("p95 > +10", "'10' has no unit: write 10ms"),
        ("p95 > +fast", "is no duration"),
        ("errors > +1ms", "no number of errors"),
        ("wait.errors > +0", "no number errors"),
    ],
)
def test_a_condition_that_is_none_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(FailIfError, match=says):
        FailIf.parse(text)


def test_a_shift_without_a_before_has_no_share() -> None:
    assert Shift("held", None, 0, 5 * MS, 0, 3).share is None
    assert Shift("held", None, 0, 5 * MS, 0, 3).by == 5 * MS


# Real runs -----------------------------------------------------------------------------------


def shop(*, held: float = 0) -> FastAPI:
    app = FastAPI()
    add_tasks(app, recorder=Recorder(maxlen=1000))

    async def send_mail() -> None:
        await asyncio.sleep(0.02)

    def print_label() -> None:
        time.sleep(0.01)

    async def resize() -> None:
        time.sleep(held)  # noqa: ASYNC251
        await asyncio.sleep(0.05 - held)

    @app.get("/items/{number}")
    async def item(number: int) -> int:
        await asyncio.sleep(0.002)
        return number

    @app.get("/cart")
    def cart() -> None:
        time.sleep(0.003)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        await asyncio.sleep(0.005)
        tasks.after_response.schedule(send_mail)
        tasks.after_response.schedule(print_label)

    @app.post("/images")
    async def image(tasks: Tasks) -> None:
        tasks.after_response.schedule(resize)

    return app


VISITS = [
    *[("GET", "/items/3")] * 8, *[("GET", "/cart")] * 4, *[("POST", "/orders")] * 6,
    *[("POST", "/images")] * 2,
]  # fmt: skip
TURN = 20
"""Requests that one app gets before it is the other's turn."""


async def visited(*apps: FastAPI, requests: int) -> list[list[Timeline]]:
    """Have six clients send so many requests to each app, in an order that is the same each time.

    The apps take turns, so that all find the machine equally busy.
    """
    rng = random.Random(1)
    visits = [rng.choice(VISITS) for _ in range(requests)]
    async with AsyncExitStack() as stack:
        labs = [await stack.enter_async_context(serve(app, quiet=True)) for app in apps]
        for lab in labs:
            for visit in dict.fromkeys(VISITS):
                await lab.warm_up(*visit)
        for start in range(0, requests, TURN):
            for lab in labs:
                await take_turn(lab, visits[start : start + TURN])
        return [lab.timelines for lab in labs]


async def take_turn(lab: Lab, visits: list[tuple[str, str]]) -> None:
    ahead = iter(visits)

    async def client() -> None:
        for visit in ahead:
            await lab.request(*visit)

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(client)
    await lab.settled()


@pytest.mark.slow
def test_of_real_runs_of_the_same_app_19_of_20_pairs_are_nothing_but_noise() -> None:
    pairs = [anyio.run(partial(visited, shop(), shop(), requests=240)) for _ in range(20)]
    found = [changed(list(difference(*pair).changes)) for pair in pairs]
    assert sum(not names for names in found) >= 19, found


def test_of_real_runs_the_cured_one_is_told_by_its_cause() -> None:
    before, after = anyio.run(partial(visited, shop(held=0.05), shop(), requests=300))
    first = difference(before, after).changes[0]
    held = first.shift("held")
    assert first.name == "resize"
    assert held is not None
    assert held.verdict == "less"
