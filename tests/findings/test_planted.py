"""A shop of eight endpoints under load: the causes that were planted are those that are named."""

from __future__ import annotations

import anyio
import pytest

from tests.planted import REQUESTS, Ledger, judged, recorded


@pytest.mark.slow
def test_of_95_in_100_late_tasks_the_planted_cause_is_named() -> None:
    ledger = Ledger()
    timelines = anyio.run(recorded, ledger)
    assert len(timelines) == REQUESTS
    verdict = judged(timelines, ledger)
    assert verdict.planted >= 100
    assert verdict.named >= 0.95 * verdict.planted
    assert verdict.wrong <= 0.05 * verdict.planted
