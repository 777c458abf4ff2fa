"""Timelines arranged into a scene: who has which lane, and where zero is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from operator import add
from typing import Literal, TypeAlias, get_args

from fastapi_tasks.timeline import Timeline

from .beneath import Spans
from .blocks import Block
from .lanes import tile
from .scene import Lane, Scene

Recording: TypeAlias = Timeline | Iterable[Timeline]
Align = Literal["request_start", "response_sent"]
Lanes = Literal["task", "request", "shared"]

SPACIOUS = 48
"""Up to this many lanes, every span has one of its own."""
ROOMY = 80
"""Up to this many lanes, every task has one of its own."""
WAYS: dict[Spans, int] = {"folded": SPACIOUS, "packed": ROOMY}
"""How to draw spans, best first, and up to how many lanes."""
CROWDED = 160
"""Beyond this many lanes, requests that do not overlap share theirs."""


def arrange(
    timelines: Recording,
    *,
    align: Align = "request_start",
    lanes: Lanes | None = None,
    spans: Spans | None = None,
) -> Scene:
    """Arrange the timelines, in the order in which their requests came.

    `align` says where zero is: at the first request's start, or where its response was sent (at
    its start, if it never was). `lanes` says who has a lane: each `task`; tasks of a `request`
    that never overlap `shared` ones; by default whatever keeps the scene readable. `spans` says
    how spans are drawn beneath the bars that made them: each on a lane of its own, `all` of them
    or repeats `folded`; `packed` onto few lanes; or not at all, but `counted`, as they always are
    where tasks share lanes; by default as well as the scene allows. Timelines of several processes
    are put on the wall clock, those of one stay on their own. Raises TypeError for what is not a
    timeline, and ValueError for an option that does not exist.
    """
    one_of("align", align, get_args(Align))
    one_of("lanes", lanes, (*get_args(Lanes), None))
    one_of("spans", spans, (*get_args(Spans), None))
    given = listed(timelines)
    shifts = _shifts(given)
    placed = sorted(
        ((timeline, shift) for timeline, shift in zip(given, shifts, strict=True)),
        key=lambda pair: pair[0].request_start + pair[1],
    )
    origin = _origin(placed, align)
    last = max((timeline.last + shift for timeline, shift in placed), default=origin)
    blocks = [
        Block(number, timeline, shift - origin, last - origin)
        for number, (timeline, shift) in enumerate(placed)
    ]
    return _scene(origin, blocks, lanes, spans)


def listed(timelines: Recording) -> list[Timeline]:
    """Return one timeline or several as a list, or raise a TypeError that says what to pass."""
    given = timelines if isinstance(timelines, Iterable) else [timelines]
    found = list(given)
    for one in found:
        if not isinstance(one, Timeline):
            raise TypeError(
                f"{one!r} is not a Timeline: pass one or several, such as recorder.timelines, "
                "or to compare() a mapping from labels to them"
            )
    return found


def one_of(name: str, value: object, options: Iterable[object]) -> None:
    """Raise a ValueError that lists the options, unless the value is one of them."""
    known = list(options)
    if value not in known:
        raise ValueError(f"{name}={value!r} does not exist: use {' or '.join(map(repr, known))}")


def arrange_all(
    panels: Mapping[str, Recording],
    *,
    align: Align = "request_start",
    lanes: Lanes | None = None,
    spans: Spans | None = None,
) -> dict[str, Scene]:
    """Arrange each panel with its own zero (see `arrange`) and give all of them the same extent."""
    if not isinstance(panels, Mapping):
        raise TypeError(f"{panels!r} has no labels: pass a mapping from labels to timelines")
    scenes = {
        label: arrange(panel, align=align, lanes=lanes, spans=spans)
        for label, panel in panels.items()
    }
    start = min((scene.start for scene in scenes.values()), default=0)
    end = max((scene.end for scene in scenes.values()), default=0)
    return {label: replace(scene, start=start, end=end) for label, scene in scenes.items()}


def _shifts(timelines: Sequence[Timeline]) -> list[int]:
    """What brings each timeline's clock to the one they share."""
    if len({timeline.process for timeline in timelines}) < 2:
        return [0] * len(timelines)
    # A process keeps one shift, so that a step of the wall clock never reorders what it recorded.
    wall: dict[int, int] = {}
    for timeline in sorted(timelines, key=lambda timeline: timeline.request_start):
        wall.setdefault(timeline.process, timeline.wall - timeline.request_start)
    return [wall[timeline.process] for timeline in timelines]


def _origin(placed: Sequence[tuple[Timeline, int]], align: Align) -> int:
    if not placed:
        return 0
    timeline, shift = placed[0]
    if align == "response_sent" and timeline.response_sent is not None:
        return timeline.response_sent + shift
    return timeline.request_start + shift


def _scene(origin: int, blocks: Sequence[Block], lanes: Lanes | None, spans: Spans | None) -> Scene:
    tops, lanes = _stack(blocks, lanes, spans)
    placed = list(zip(blocks, tops, strict=True))
    bars = tuple(bar for block, top in placed for bar in block.bars(top))
    marks = tuple(mark for block, top in placed for mark in block.marks(top))
    signs = tuple(sign for block, top in placed for sign in block.signs(top))
    # Where a clock went backwards, a moment may lie outside of the bars.
    moments = [mark.at for mark in marks] + [sign.at for sign in signs]
    moments += [end for bar in bars for end in (bar.start, bar.end)]
    return Scene(
        origin=origin,
        start=min(moments, default=0),
        end=max(moments, default=0),
        lanes=_rows(blocks, tops, lanes),
        groups=tuple(block.group(top) for block, top in placed),
        bars=bars,
        marks=marks,
        signs=signs,
        arrows=tuple(arrow for block, top in placed for arrow in block.arrows(top)),
    )


def _stack(
    blocks: Sequence[Block], lanes: Lanes | None, spans: Spans | None
) -> tuple[list[int], Lanes]:
    """Give every block its first lane, and say who has a lane."""
    lanes = lanes or ("task" if _height(blocks) <= ROOMY else None)
    if lanes == "task":
        _show(blocks, spans)
    else:
        for block in blocks:
            block.share_lanes()
    heights = [block.height for block in blocks]
    stacked = list(accumulate(heights, initial=0))[:-1]
    if lanes == "shared" or (lanes is None and sum(heights) > CROWDED):
        tops = tile([block.extent for block in blocks], heights)
        saved = 1 - max(map(add, tops, heights), default=0) / max(sum(heights), 1)
        # Stacked requests can be named: sharing has to be worth it.
        if lanes == "shared" or saved > 0.3:
            return tops, "shared"
    return stacked, lanes or "request"


def _show(blocks: Sequence[Block], spans: Spans | None) -> None:
    """Give lanes to the spans: as asked, or the best way that keeps the scene readable."""
    if spans is not None:
        _give(blocks, spans)
    elif any(block.timeline.spans for block in blocks) and _height(blocks) <= ROOMY:
        for way, most in WAYS.items():
            _give(blocks, way)
            if _height(blocks) <= most:
                return
        _give(blocks, "counted")


def _give(blocks: Sequence[Block], spans: Spans) -> None:
    for block in blocks:
        block.show(spans)


def _height(blocks: Sequence[Block]) -> int:
    return sum(block.height for block in blocks)


def _rows(blocks: Sequence[Block], tops: Sequence[int], lanes: Lanes) -> tuple[Lane, ...]:
    if lanes != "shared":
        return tuple(lane for block in blocks for lane in block.lanes())
    total = max(map(add, tops, (block.height for block in blocks)), default=0)
    return (Lane("shared"),) * total
