"""Play many rounds, and print what came of each.

python -m tests.stress --rounds 50 --seed 7
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .plan import FLAVOURS, Flavour
from .rounds import WAYS, Round, play

OUTCOMES = ("ok", "error", "cancelled", "discarded", "abandoned")


def main() -> int:
    """Play the rounds that the command line asks for; return 1 if any has a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="of each kind")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--way", choices=WAYS, action="append", help="how the app is run")
    parser.add_argument("--flavour", choices=FLAVOURS, action="append")
    parser.add_argument("--keep", type=Path, help="a folder for what the rounds leave")
    options = parser.parse_args()
    print("".join(f"{title:>11}" for title in ("seed", "flavour", *OUTCOMES, "exit", "faults")))
    bad = 0
    for seed in range(options.seed, options.seed + options.rounds):
        for way in options.way or WAYS:
            for flavour in options.flavour or FLAVOURS:
                one = _play(way, seed, flavour, options.keep)
                print(_row(one), f"\n{one}" if one.faults else "", flush=True)
                bad += bool(one.faults)
    return min(bad, 1)


def _play(way: str, seed: int, flavour: Flavour, keep: Path | None) -> Round:
    if keep is None:
        with tempfile.TemporaryDirectory() as temporary:
            return play(way, seed, flavour, Path(temporary))
    folder = keep / f"{way.replace(' ', '-')}-{flavour}-{seed}"
    folder.mkdir(parents=True)
    return play(way, seed, flavour, folder)


def _row(one: Round) -> str:
    counts = [one.outcomes[outcome] for outcome in OUTCOMES]
    cells = [one.plan.seed, one.plan.flavour, *counts, f"{one.seconds:.1f} s", len(one.faults)]
    return "".join(f"{cell!s:>11}" for cell in cells) + f"  {one.way}"


if __name__ == "__main__":
    sys.exit(main())
