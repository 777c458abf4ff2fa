"""A shop of eight endpoints under load: the causes that were planted are those that are named."""

from __future__ import annotations

import os

import anyio
import pytest

from tests.planted import REQUESTS, Ledger, judged, recorded


@pytest.mark.slow
@pytest.mark.skipif(os.getloadavg()[0] > 1.5, reason="a busy machine adds causes of its own")
def test_of_95_in_100_late_tasks_the_planted_cause_is_named() -> None:
    ledger = Ledger()
    timelines = anyio.run(recorded, ledger)
    assert len(timelines) == REQUESTS
    verdict = judged(timelines, ledger)
    assert verdict.planted >= 100
    assert verdict.named >= 0.95 * verdict.planted
