"""What a difference must not have: `p95 > +10%`, for a run of tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from fastapi_tasks import harmless
from visualize.answers.naming import task_title
from visualize.answers.summary import Spread
from visualize.answers.tables import time_cell
from visualize.units import nanoseconds

from .changes import Change, Measure, Shift
from .comparing import Difference

_TERM = re.compile(
    r"(?:(?P<measure>[a-z]+)\.)?(?P<number>[a-z]+[0-9]*)\s*>\s*(?P<more>\+?)\s*(?P<limit>\S.*)"
)
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%")

PERCENTILES = {"p50": 50, "p95": 95}
MEASURES = ("response", "wait", "run")
EXAMPLES = "p95 > +10%, wait.p95 > +20ms, run.p50 > 1s, errors > +0 or held > +100ms"


class FailIfError(ValueError):
    """Raised for a condition that is none. The message says what was found and what to write."""


@dataclass(frozen=True, slots=True)
class FailIf:
    """A condition, such as `wait.p95 > +20ms`, that no row may meet.

    `measure` is None for all of response, wait and run; `percent` is None for errors and held.
    `limit` is nanoseconds, a count of errors or, where `share`, a share of what was before.
    `more`: the limit is for what came on top, and else for what there is now.
    """

    text: str
    measure: str | None
    percent: int | None
    limit: float
    more: bool
    share: bool

    @classmethod
    def parse(cls, text: str) -> FailIf:
        """Read a condition. Raises FailIfError.

        A number is p50 or p95, of any duration or with `response.`, `wait.` or `run.` before it,
        or errors, or held. A limit is a duration, a number of errors, or per cent; with a plus it
        is compared with the growth.
        """
        found = _TERM.fullmatch(text.strip())
        if found is None:
            raise FailIfError(f"{text!r} is no condition: write one such as {EXAMPLES}")
        measure, percent = _measured(text, found["measure"], found["number"])
        limit, share = _limit(text, found["limit"].strip(), measure)
        more = bool(found["more"])
        if share and not more:
            raise FailIfError(f"{text!r} has per cent of nothing: write > +{found['limit']}")
        return cls(text.strip(), measure, percent, limit, more, share)

    def broken(self, difference: Difference) -> str | None:
        """Say in one line which row is worst, if any meets the condition; None if none does.

        What is noise never does, but for errors: one more is one more, if there were as many tries.
        Of rows that are new, only limits without a plus can be asked, and errors.
        """
        worst = sorted(self._over(difference), key=lambda found: -found[0])
        if not worst:
            return None
        others = f", and {len(worst) - 1} more" if worst[1:] else ""
        return f"{self.text}: {worst[0][1]}{others}"

    def _over(self, difference: Difference) -> Iterator[tuple[float, str]]:
        for change in difference.changes:
            for shift in change.shifts if change.before else _of_new(change):
                if self._means(shift) and (excess := self._excess(shift)) > 0:
                    yield excess, _said(change, shift)

    def _means(self, shift: Shift) -> bool:
        if shift.percent != self.percent:
            return False
        return self.measure is None or shift.measure == self.measure

    def _excess(self, shift: Shift) -> float:
        """How far a shift is over the limit, in its unit."""
        if not self.more:
            return shift.after - self.limit
        if shift.noise and shift.measure != "errors":
            return 0
        allowed = self.limit * (shift.after - shift.by) if self.share else self.limit
        return shift.by - allowed


def _of_new(change: Change) -> Iterator[Shift]:
    """What there is of a row that was not there before."""
    row = change.after
    if row is None:
        return
    spreads: dict[Measure, Spread | None] = {
        "response": row.response, "wait": row.wait, "run": row.run
    }  # fmt: skip
    for measure, spread in spreads.items():
        if spread is not None:
            yield Shift(measure, 50, 0, spread.p50, 0, spread.n)
            yield Shift(measure, 95, 0, spread.p95, 0, spread.n)
    yield Shift("errors", None, 0, row.errors, 0, row.n)
    yield Shift("held", None, 0, row.held, 0, row.n)


def _measured(text: str, measure: str | None, number: str) -> tuple[str | None, int | None]:
    if number in ("errors", "held") and measure is None:
        return number, None
    if measure not in (None, *MEASURES):
        raise FailIfError(
            f"{text!r} has no duration {measure}: write one of {', '.join(MEASURES)} before the dot"
        )
    if number not in PERCENTILES:
        raise FailIfError(f"{text!r} has no number {number}: write p50, p95, errors or held")
    return measure, PERCENTILES[number]


def _limit(text: str, limit: str, measure: str | None) -> tuple[float, bool]:
    percent = _PERCENT.fullmatch(limit)
    if percent:
        return float(Decimal(percent[1]) / 100), True
    if measure == "errors":
        if not re.fullmatch(r"[0-9]{1,18}", limit):
            raise FailIfError(f"{text!r} has no number of errors: write errors > +0 or > +5%")
        return int(limit), False
    try:
        return nanoseconds(limit), False
    except ValueError as error:
        raise FailIfError(f"{text!r}: {error}, or per cent, such as +10%") from None


def _said(change: Change, shift: Shift) -> str:
    name = task_title(change.name, change.mode) if change.mode else harmless(change.name)
    what = shift.measure if shift.percent is None else f"{shift.measure} p{shift.percent}"
    write = str if shift.measure == "errors" else time_cell
    numbers = f"{write(shift.before)} → {write(shift.after)}"
    return f"{name}, {what} {numbers} (n {shift.n_before:,} → {shift.n_after:,})"
