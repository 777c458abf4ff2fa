"""What a finding is: one cause, the time it cost, and whom."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, get_args

from visualize.answers.naming import named

Rule = Literal[
    "loop_held",
    "no_thread_free",
    "no_slot_free",
    "step_before_answer",
    "closed_later",
    "ended_badly",
    "too_long_for_shutdown",
    "never_awaited",
    "one_after_another",
    "answer_kept",
    "piling_up",
]
"""What went wrong: each has a module that says how it is found."""

RULES: tuple[Rule, ...] = get_args(Rule)

WORST = 20
"""Victims that travel with a finding in plain data; it has all of them, and their number."""


class Place(NamedTuple):
    """Where to look: a request of a process and, unless None, a task of it, by their numbers."""

    process: int
    request: int
    task: int | None = None


class Victim(NamedTuple):
    """Who lost time to a cause: `lost` nanoseconds. `title` names the request or the task."""

    place: Place
    title: str
    lost: int


@dataclass(frozen=True, slots=True)
class Cause:
    """Who did it: a kind of task, with its mode, or a route, a dependency, a middleware.

    `line` is the source line, such as `shop.py:41 in resize`, where it is known.
    """

    kind: Literal["task", "request", "dependency", "middleware"]
    name: str
    mode: str = ""
    line: str | None = None

    def __str__(self) -> str:
        mode = f" ({self.mode})" if self.mode else ""
        line = f", {named(self.line)}," if self.line else ""
        return f"{named(self.name)}{mode}{line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause, what it cost and whom, and what to try; `str()` is one sentence.

    `cost` is in nanoseconds: the time that `victims` lost to it, each nanosecond of each counted
    for one finding alone. `where` is the first place to look at. `fact` is what happened, `advice`
    what to try. What one would write in code stands between backquotes in both, and nothing else.
    """

    rule: Rule
    cost: int
    cause: Cause
    victims: tuple[Victim, ...]
    where: Place
    fact: str
    advice: str

    def __str__(self) -> str:
        return f"{self.fact}; {self.advice}."

    def as_json(self, victims: int = WORST) -> dict[str, Any]:
        """Return the finding as data for JSON, with its number of victims and the worst of them.

        What stands in it, and what the numbers mean, is said by `wire.findings_json`.
        """
        worst = [
            {**victim.place._asdict(), "title": victim.title, "lost_ns": victim.lost}
            for victim in self.victims[:victims]
        ]
        return {
            "rule": self.rule,
            "cost_ns": self.cost,
            "cause": {**asdict(self.cause), **self.where._asdict()},
            "victims": worst,
            "victims_count": len(self.victims),
            "fact": self.fact,
            "advice": self.advice,
            "sentence": str(self),
        }
