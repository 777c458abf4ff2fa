"""A pytest plugin that writes how each test ended, as JSON, to the file that COMPANY_REPORT names.

It fails a test in which a task was lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from company_variants import lost

outcomes: dict[str, tuple[str, str]] = {}
"""How each test ended, and its error. A module is a test as well if it fails."""


def note(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Keep the worst of what is told of a test."""
    before = outcomes.get(report.nodeid, ("", ""))[0]
    if before != "failed" and (report.outcome != "passed" or not before):
        crash = getattr(report.longrepr, "reprcrash", None)
        why = str(crash.message if crash else report.longrepr or "")
        outcomes[report.nodeid] = (report.outcome, " ".join(why.split())[:300])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.outcome != "passed":
        note(report)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    result = yield
    tasks = lost()
    assert not tasks, f"tasks were lost: {tasks}"
    return result


def pytest_sessionfinish() -> None:
    Path(os.environ["COMPANY_REPORT"]).write_text(json.dumps(outcomes))
