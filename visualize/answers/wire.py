"""The findings as plain data, for JSON: what a page shows that computes none itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .findings import Finding
from .findings.finding import WORST


def findings_json(findings: Sequence[Finding], victims: int = WORST) -> list[dict[str, Any]]:
    """Return findings, of nothing but what JSON has, in their order.

        [{"rule": "loop_held", "cost_ns": 250000000,
          "cause": {"kind": "task", "name": "resize", "mode": "after_response",
                    "line": "shop.py:41 in resize",
                    "process": 4711, "request": 3, "task": 1},
          "victims": [{"process": 4711, "request": 4, "task": null,
                       "title": "GET /search #4", "lost_ns": 120000000}],
          "victims_count": 1, "fact": "…", "advice": "…", "sentence": "…"}]

    A request is found by `process` and its number `request`, a task of it by its number `task`,
    which is null where the request itself is meant. Each has its worst `victims`; `victims_count`
    is how many there are. Times are nanoseconds.
    """
    return [finding.as_json(victims) for finding in findings]
