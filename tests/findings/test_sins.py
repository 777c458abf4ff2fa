"""For each rule: an app that commits the sin, the finding that names it, and the cured app."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from tests.findings import sins
from tests.findings.sins import (
    Visit,
    for_a_while,
    once,
    recorded,
    several,
    stopping,
    while_others_wait,
)
from visualize import checkout, explain
from visualize.answers.findings import RULES, Finding, Rule, ended_badly, loop_held
from visualize.lab import Lab


@dataclass(frozen=True)
class Sin:
    """An app, how it is visited, and what the finding must say."""

    rule: Rule
    app: Callable[..., FastAPI]
    cause: str
    says: tuple[str, ...]
    victims: frozenset[str]
    visit: Visit = once
    options: dict[str, Any] = field(default_factory=dict)


SINS = [
    Sin(
        "loop_held", sins.loop_held, "resize (after_response), ",
        (
            "sins.py:", "in blocks, held the event loop for 2",
            "1 response and 1 task came late", "`def`",
        ),
        frozenset({"GET /search", "mail of POST /orders"}), while_others_wait,
    ),
    Sin(
        "no_thread_free", sins.no_thread_free, "print_label (after_response)",
        ("No thread was free for 4 `def` tasks", "of 2 threads"),
        frozenset({"print_label of POST /orders"}),
    ),
    Sin(
        "no_slot_free", sins.no_slot_free, "call_partner (after_response)",
        ("waited for a slot of its limit 2 of 3 times", "higher `limit=`"),
        frozenset({"call_partner of POST /orders"}),
    ),
    Sin(
        "step_before_answer", sins.step_before_answer, "index (after_route)",
        ("came before the answer", "1 response", "after_response"),
        frozenset({"POST /orders"}),
    ),
    Sin(
        "closed_later", sins.closed_later, "get_db",
        ("send_mail (after_response) started ", " before get_db had closed: ", 'scope="function"'),
        frozenset({"send_mail of POST /orders"}),
    ),
    Sin(
        "ended_badly", sins.failing, "charge (after_response)",
        ("failed all 3 times with ConnectionError, first in POST /orders #1", "on_error"),
        frozenset({"charge of POST /orders"}), several(3),
    ),
    Sin(
        "ended_badly", sins.discarding, "send_mail (after_response)",
        ("was discarded because POST /orders #1 failed with ValueError",),
        frozenset(),
    ),
    Sin(
        "ended_badly", sins.cancelled, "export (after_response)",
        ("was cancelled in POST /orders #1", "shield=True"),
        frozenset({"export of POST /orders"}), stopping(),
    ),
    Sin(
        "ended_badly", sins.abandoned, "crunch (after_response)",
        ("was abandoned in POST /orders #1", "shutdown_timeout"),
        frozenset(), stopping(),
    ),
    Sin(
        "too_long_for_shutdown", sins.too_long_for_shutdown, "export (after_response)",
        ("runs for ", "at p95 (n 2)", "a shutdown gives it 50 ms", "shield=True"),
        frozenset(), several(2), {"grace_period": 0.05},
    ),
    Sin(
        "never_awaited", sins.never_awaited, "POST /orders",
        ("awaited nothing after it had scheduled warm_cache (immediate), which started", "`def`"),
        frozenset({"warm_cache of POST /orders"}),
    ),
    Sin(
        "one_after_another", sins.one_after_another, "send_mail (background)",
        ("`BackgroundTasks` of POST /orders ran one after another", "after_response", "sooner"),
        frozenset({"log of POST /orders"}),
    ),
    Sin(
        "answer_kept", sins.answer_kept, "Auditing",
        ("Auditing kept 1 answer for ", "after the response"),
        frozenset({"POST /orders"}),
    ),
    Sin(
        "piling_up", sins.piling_up, "index (after_response)",
        ("piles up", " came while ", " were done", "a queue"),
        frozenset({"index of POST /orders"}), for_a_while,
    ),
]  # fmt: skip

CODE = re.compile(r"\w=|\w\(|\b(def|\w*Tasks|add_tasks|grace_period|shutdown_timeout)\b")
"""What nobody takes for a word of English."""

NAMES = [sin.app.__name__ for sin in SINS]


def found(sin: Sin, *, cured: bool) -> list[Finding]:
    timelines = anyio.run(recorded, sin.app(cured=cured), sin.visit)
    return explain(timelines, **sin.options)


@pytest.mark.parametrize("sin", SINS, ids=NAMES)
def test_a_sin_is_named_with_its_cause_and_its_victims(sin: Sin) -> None:
    (finding,) = [one for one in found(sin, cured=False) if one.rule == sin.rule]
    assert str(finding.cause).startswith(sin.cause)
    for words in sin.says:
        assert words in str(finding)
    assert {victim.title.partition(" #")[0] for victim in finding.victims} == sin.victims
    assert sum(victim.lost for victim in finding.victims) == finding.cost
    assert_code_is_marked(str(finding))
    assert re.match(r"[A-Z`]|\w+ \(", finding.fact)


@pytest.mark.parametrize(
    "advice",
    [
        *ended_badly.ADVICE.values(), ended_badly.ELSEWHERE, ended_badly.BEFORE, ended_badly.ITSELF,
        ended_badly.LEFT_OUT, ended_badly.AFTER_ALL, *loop_held.OF_THE_FRAMEWORK.values(),
        loop_held.OF_A_STEP, loop_held.OF_A_THREAD,
    ],
)  # fmt: skip
def test_what_one_would_write_in_code_stands_between_backquotes(advice: str) -> None:
    assert_code_is_marked(advice)


def assert_code_is_marked(sentence: str) -> None:
    """Look for code among the words that stand outside of backquotes; names of modes are words."""
    words = sentence.split("`")
    assert len(words) % 2
    for outside in words[::2]:
        assert not CODE.search(outside), outside


@pytest.mark.parametrize("sin", SINS, ids=NAMES)
def test_the_cured_app_has_no_finding(sin: Sin) -> None:
    assert [str(one) for one in found(sin, cured=True)] == []


@pytest.mark.parametrize("by", [sins.Auditing, sins.Collecting, sins.Waiting])
def test_of_several_middlewares_the_one_that_kept_the_answer_is_named(by: Any) -> None:
    timelines = anyio.run(recorded, sins.answer_kept(cured=False, by=by), once)
    (finding,) = explain(timelines)
    assert (finding.rule, str(finding.cause)) == ("answer_kept", by.__name__)
    assert explain(anyio.run(recorded, sins.answer_kept(cured=True, by=by), once)) == []


def test_a_middleware_that_waits_for_the_first_part_of_a_stream_is_no_sinner() -> None:
    timelines = anyio.run(recorded, sins.streaming(), once)
    (part,) = [span for span in timelines[-1].spans if span.name == "first part"]
    assert part.lasted is not None
    assert part.lasted >= 50_000_000
    assert [str(one) for one in explain(timelines)] == []


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("after one that failed", "which ran before it, failed with ConnectionError; schedule"),
        ("of an endpoint that failed", "failed with HTTPException; let the endpoint return its"),
        ("beside another response's own", "did not run it; return a response without"),
    ],
)
def test_of_a_background_task_that_never_ran_it_is_said_why(how: str, says: str) -> None:
    timelines = anyio.run(recorded, sins.never_come_to(how=how), visited_once)
    (finding,) = [one for one in explain(timelines) if "discarded" in one.fact]
    assert str(finding.cause) == "mail (background)"
    assert says in str(finding)


@pytest.mark.parametrize(
    ("by", "error"), [("log_in", "HTTPException"), ("parameters", "RequestValidationError")]
)
def test_of_a_background_task_it_is_said_what_refused_the_request(by: str, error: str) -> None:
    timelines = anyio.run(recorded, sins.refused(by=by), visited_once)
    (finding,) = [one for one in explain(timelines) if "discarded" in one.fact]
    assert f"{by} of {timelines[0].title} failed with {error}; add it in the endp" in str(finding)


async def visited_once(lab: Lab) -> None:
    await lab.post("/orders")


def test_of_the_demo_nothing_is_found_but_the_task_that_fails() -> None:
    async def three_orders(lab: Lab) -> None:
        path = "/checkout?cart_id=3&email=a@b.example"
        await lab.warm_up("POST", path)
        for _ in range(3):
            await lab.post(path)

    timelines = anyio.run(recorded, checkout.app, three_orders)
    (finding,) = explain(timelines[-3:])
    assert str(finding).startswith(
        "add_loyalty_points (after_response) failed all 3 times with ConnectionError"
    )


def test_every_rule_has_its_sin() -> None:
    assert {sin.rule for sin in SINS} == set(RULES)
