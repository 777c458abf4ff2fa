"""What must not get much worse: numbers that say the same on any machine."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from tests.benchmarks.numbers import written
from tests.benchmarks.results import Results

GROSS = 1.3
"""How many times the committed number is too much."""

# Where threads take turns, as `def` tasks do, a busy machine alone can double a ratio.
GATED = {
    "scheduling": ("*: none", "*async*"),
    "memory": ("bytes*",),
    "drawing": ("*KB",),
}
# What is next to nothing may double.
NOTHING = {"memory": 100.0}
OURS = {"off", "on", "subscriber", "unused", "to_html", "plot, to_png"}


def regressions(new: Results, committed: Results) -> Iterator[str]:
    """Yield a line for each number of ours that is much more than the committed one."""
    for subject, patterns in GATED.items():
        if subject not in new or subject not in committed:
            continue
        for name, row in new[subject].rows.items():
            before = committed[subject].rows.get(name, {})
            if not any(fnmatchcase(name, pattern) for pattern in patterns):
                continue
            for column in sorted(OURS & row.keys() & before.keys()):
                if row[column] > GROSS * max(before[column], NOTHING.get(subject, 1)):
                    was, now = written(before[column]), written(row[column])
                    yield f"{subject}, {name}, {column}: {now}, was {was}"
