"""What two recordings differ in, as plain data: numbers in both, and rows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from visualize.answers.summary import Kind, Row

Measure = Literal["response", "wait", "run", "errors", "held"]
Verdict = Literal["slower", "faster", "more", "less", "noise"]


@dataclass(frozen=True, slots=True)
class Shift:
    """One number of a row in both runs.

    `response`, `wait` and `run` are nanoseconds at the percentile `percent`; `held` is nanoseconds
    altogether and `errors` a count, both without one. `chance` is how likely so clear a difference
    is where nothing changed; `noise` says that chance or a busy machine explains it.
    """

    measure: Measure
    percent: int | None
    before: int
    after: int
    n_before: int
    n_after: int
    chance: float = 1.0
    noise: bool = True

    @property
    def by(self) -> float:
        """How much more it is than before; errors and held as if there were as many after."""
        if self.percent is None and self.n_before:
            return self.after - self.before * self.n_after / self.n_before
        return self.after - self.before

    @property
    def share(self) -> float | None:
        """The same as a share of what was before, None where that was nothing."""
        before = self.after - self.by
        return self.by / before if before > 0 else None

    @property
    def verdict(self) -> Verdict:
        """The difference in a word."""
        if self.noise:
            return "noise"
        if self.percent is None:
            return "more" if self.by > 0 else "less"
        return "slower" if self.by > 0 else "faster"


@dataclass(frozen=True, slots=True)
class Change:
    """A route or a kind of task in both runs: `before` is None if it is new, `after` if gone.

    `shifts` are its numbers in both; none where it is new or gone.
    """

    kind: Kind
    name: str
    mode: str
    before: Row | None
    after: Row | None
    shifts: tuple[Shift, ...] = ()

    @property
    def noise(self) -> bool:
        """Whether it is in both runs, and nothing of it changed."""
        return bool(self.before and self.after) and all(shift.noise for shift in self.shifts)

    def shift(self, measure: Measure, percent: int | None = None) -> Shift | None:
        """Return one of its shifts, None if nothing is known of it in both runs."""
        found = (s for s in self.shifts if (s.measure, s.percent) == (measure, percent))
        return next(found, None)
