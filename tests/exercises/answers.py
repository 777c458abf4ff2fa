"""What an answer is."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """A change of the solution: each `old` becomes its `new`, everywhere.

    `reason` is part of what the check says to a wrong answer.
    """

    changes: tuple[tuple[str, str], ...]
    reason: str = ""

    def applied(self, solution: str) -> str:
        """Return the changed solution; what is to be changed has to be there."""
        for old, new in self.changes:
            assert old in solution, f"the solution has no {old!r}"
            solution = solution.replace(old, new)
        return solution


def right(*changes: tuple[str, str]) -> Answer:
    """An answer that is as right as the solution."""
    return Answer(changes)


def wrong(reason: str, *changes: tuple[str, str]) -> Answer:
    """An answer that is refused with this reason."""
    return Answer(changes, reason)


@dataclass(frozen=True)
class Exercise:
    """What is right and what is wrong, each by a name for the test's report."""

    right: dict[str, Answer] = field(default_factory=dict)
    wrong: dict[str, Answer] = field(default_factory=dict)
