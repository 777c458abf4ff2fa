"""Nothing lost, nothing doubled, no outcome wrong: random rounds, each with a SIGTERM.

`STRESS_SEED=7` plays the same rounds again; many more are played by `python -m tests.stress`.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.servers import KINDS

from .plan import FLAVOURS, Flavour
from .rounds import DIRECT, play

SEED = int(os.environ.get("STRESS_SEED") or random.randrange(1_000_000))


@pytest.mark.slow
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("way", [*KINDS, *DIRECT])
def test_what_tasks_write_down_is_what_is_recorded(
    way: str, flavour: Flavour, tmp_path: Path
) -> None:
    round_ = play(way, SEED, flavour, tmp_path)
    assert round_.faults == [], str(round_)
    # A round in which nothing ran would prove nothing.
    assert round_.outcomes["ok"] > 0
