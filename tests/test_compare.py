"""`compare`: what changed, as a table, and as an exit code for a run of tests."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from fastapi_tasks import save
from tests.processes import Command
from tests.runs import Shop, run
from tests.samples import checkout
from visualize import difference

BEFORE, AFTER, AGAIN = run(1), run(2, Shop(search=30, failing=0.1)), run(3)


@pytest.fixture
def command(command: Command) -> Command:
    """Compare in a folder that holds three recordings."""
    for name, recording in {"before": BEFORE, "after": AFTER, "again": AGAIN}.items():
        save(recording, f"{name}.jsonl")
    return partial(command, "compare", "before.jsonl")


HEAD = "before  before.jsonl\nafter   after.jsonl\n\n"


def test_a_table_says_what_changed(command: Command) -> None:
    expected = f"{HEAD}{difference(BEFORE, AFTER)}\n"
    assert command("after.jsonl") == (0, expected, "")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_is_as_wide_as_the_terminal(
    command: Command, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = command("after.jsonl")[1]
    assert out == f"{HEAD}{difference(BEFORE, AFTER).to_text(width)}\n"
    assert max(map(len, out.splitlines())) <= width


def test_a_table_for_a_pull_request(command: Command) -> None:
    expected = f"From `before.jsonl` to `after.jsonl`:\n\n{difference(BEFORE, AFTER).to_markdown()}"
    assert command("after.jsonl", "--markdown") == (0, f"{expected}\n", "")


def test_a_condition_that_is_met_is_a_failure_in_one_line(command: Command) -> None:
    code, out, err = command("after.jsonl", "--fail-if", "p50 > +10%")
    assert (code, out) == (1, f"{HEAD}{difference(BEFORE, AFTER)}\n")
    assert err.count("\n") == 1
    assert err.startswith("visualize: p50 > +10%: GET /search, response p50 1")


def test_each_condition_that_is_met_is_a_line(command: Command) -> None:
    several = ("--fail-if", "p50 > +10%", "--fail-if", "errors > +0", "--fail-if", "p50 > 10s")
    code, _, err = command("after.jsonl", *several)
    assert (code, err.count("\n")) == (1, 2)
    assert "errors > +0: send_mail (after_response), errors 0 → " in err


def test_a_condition_that_is_not_met_is_no_failure(command: Command) -> None:
    assert command("again.jsonl", "--fail-if", "p95 > +10%")[0] == 0


def test_files_are_written_and_judged_at_once(command: Command) -> None:
    code, out, err = command("after.jsonl", "--html", "--fail-if", "p50 > +10%")
    assert (code, out) == (1, "written: compared.html\n")
    assert err.startswith("visualize: p50 > +10%: GET /search")
    assert Path("compared.html").exists()


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        ("p97 > +10%", "'p97 > +10%' has no number p97: write p50, p95, errors or held"),
        (
            "faster",
            "'faster' is no condition: write one such as p95 > +10%, wait.p95 > +20ms, "
            "run.p50 > 1s, errors > +0 or held > +100ms",
        ),
        ("p95 > 10%", "'p95 > 10%' has per cent of nothing: write > +10%"),
    ],
)
def test_a_condition_that_is_none_is_one_line(
    command: Command, condition: str, complaint: str
) -> None:
    result = command("nowhere.jsonl", "--fail-if", condition)
    assert result == (2, "", f"visualize: --fail-if: {complaint}\n")


def test_a_name_with_controls_is_harmless(command: Command) -> None:
    timeline = checkout()
    timeline.route = "/\033[2Jx"
    save(timeline, "odd.jsonl")
    code, out, _ = command("odd.jsonl")
    assert code == 0
    assert "\033" not in out
