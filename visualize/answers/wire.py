"""The answers as plain data, for JSON: what a page shows that computes nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from visualize.layout import Recording, listed

from .findings import Finding, explain
from .findings.finding import WORST
from .summary import Summary, summary


def answers_json(timelines: Recording, *, victims: int = WORST) -> dict[str, Any]:
    """Return findings and summary of a recording, of nothing but what JSON has.

        {"findings": [{
            "rule": "loop_held", "cost_ns": 250000000,
            "cause": {"kind": "task", "name": "resize", "mode": "after_response",
                      "line": "shop.py:41 in resize",
                      "process": 4711, "request": 3, "task": 1},
            "victims": [{"process": 4711, "request": 4, "task": null,
                         "title": "GET /search #4", "lost_ns": 120000000}],
            "victims_count": 1, "fact": "…", "advice": "…", "sentence": "…"}],
         "summary": {"routes": [row], "tasks": [row], "spans": [row]}}

    A request is found by `process` and its number `request`, a task of it by its number `task`,
    which is null where the request itself is meant. Findings come with those that cost most first,
    and each has its worst `victims`; `victims_count` is how many there are. Times are nanoseconds.
    """
    given = listed(timelines)
    return {
        "findings": findings_json(explain(given), victims),
        "summary": summary_json(summary(given)),
    }


def findings_json(findings: Sequence[Finding], victims: int = WORST) -> list[dict[str, Any]]:
    """Return findings as `answers_json` has them."""
    return [finding.as_json(victims) for finding in findings]


def summary_json(found: Summary) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a summary, each with the fields of a `Row`; of no spread, null."""
    parts = {"routes": found.routes, "tasks": found.tasks, "spans": found.spans}
    return {kind: [asdict(row) for row in rows] for kind, rows in parts.items()}
