"""What a picture of timelines consists of: lanes, bars, marks, signs and arrows, as plain data.

All times are integer nanoseconds after the scene's origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from fastapi_tasks.timeline import Mode, Outcome, Timeline

Phase = Literal["before", "endpoint", "handling", "sending", "after"]
BarKind: TypeAlias = Phase | Literal["waiting", "receiving", "held", "wait", "run", "span", "busy"]
LaneKind = Literal["client", "request", "task", "span", "loop", "shared"]


class Lane(NamedTuple):
    """One row. `label` is empty where a lane is shared; `task` is a position in its timeline.

    The lane of a span belongs to the task that made the span, or to the request; `depth` says how
    many other spans it is inside of, `times` how many spans of this name are drawn as one.
    """

    kind: LaneKind
    label: str = ""
    request: int | None = None
    task: int | None = None
    mode: Mode | None = None
    thread: bool = False
    depth: int = 0
    times: int = 1


class Bar(NamedTuple):
    """Something that lasted. `open`: it has no known end, and reaches to the end of the scene.

    `backwards`: the clock said that it ended before it started; the bar covers that time. A task
    is `held` back by its mode, then has to `wait`, then does `run`. `task` and `span` are positions
    in the timeline; of `times` spans that are drawn as one, `span` is the first. `line` is the
    source line that held the event loop, `error` what left the span, each where it is known.
    """

    lane: int
    start: int
    end: int
    kind: BarKind
    request: int
    task: int | None = None
    mode: Mode | None = None
    open: bool = False
    backwards: bool = False
    label: str = ""
    span: int | None = None
    times: int = 1
    error: str | None = None
    line: str | None = None


class Mark(NamedTuple):
    """A moment of a request, through all of its lanes from `first` to `last`."""

    kind: Literal["endpoint_end", "response_sent"]
    at: int
    first: int
    last: int
    request: int


class Sign(NamedTuple):
    """A moment of a task: where it was released, or how it ended (any outcome but `ok`)."""

    kind: Literal["released"] | Outcome
    at: int
    lane: int
    request: int
    task: int
    mode: Mode
    error: str | None = None


class Arrow(NamedTuple):
    """From the lane that scheduled a task to the task's start; `to` is None if it has none."""

    at: int
    lane: int
    to_lane: int
    to: int | None
    request: int
    task: int
    mode: Mode


class Group(NamedTuple):
    """One request: its title and the lanes that it fills, from `first` to `last`.

    `counted` is how many of its spans are not drawn, for want of room.
    """

    title: str
    first: int
    last: int
    timeline: Timeline
    counted: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """All that one set of axes shows. `origin` is zero's place on the clock that all share."""

    origin: int
    start: int
    end: int
    lanes: tuple[Lane, ...]
    groups: tuple[Group, ...]
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    signs: tuple[Sign, ...]
    arrows: tuple[Arrow, ...]

    @property
    def tasks(self) -> int:
        """How many tasks there are."""
        return sum(len(group.timeline.tasks) for group in self.groups)
