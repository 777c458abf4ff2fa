"""What a figure says about its bars: in them where it fits, else beside them, else not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from fastapi_tasks.timeline import TaskRecord
from visualize.layout import Bar
from visualize.words import PHASE_WORDS, duration, times

from .fonts import legible
from .room import Note, Room, Sheet

PHASES = PHASE_WORDS | {"before": ""}


def notes(sheet: Sheet, left: float, *, named: bool) -> Iterator[Note]:
    """Say what there is room for between `left` and the sheet's right edge, lane after lane.

    `named` says the names of requests and tasks too; those on shared lanes have theirs anyway.
    """
    lanes: dict[int, list[list[Bar]]] = {}
    for _, group in groupby(sheet.scene.bars, key=_belongs):
        bars = list(group)
        if any(map(sheet.sees, bars)):
            lanes.setdefault(bars[0].lane, []).append(bars)
    for things in lanes.values():
        things.sort(key=lambda bars: (bars[0].start, bars[-1].end))
        ends = [*(sheet.x(bars[0].start) for bars in things[1:]), sheet.right]
        used = left
        for bars, end in zip(things, ends, strict=True):
            room = Room(sheet, bars, used, end)
            shared = sheet.scene.lanes[bars[0].lane].kind == "shared"
            yield from _say(sheet, room, bars, named or shared)
            used = room.used


def _belongs(bar: Bar) -> tuple[int, int, int | None, int | None]:
    """What consecutive bars about one thing have in common."""
    return bar.lane, bar.request, bar.task, bar.start if bar.kind == "busy" else bar.span


def _say(sheet: Sheet, room: Room, bars: Sequence[Bar], named: bool) -> Iterator[Note]:
    last = bars[-1]
    if last.kind == "busy":
        yield from _say_busy(room, last)
    elif last.kind == "span":
        yield from _say_span(sheet, room, bars)
    elif last.task is not None:
        yield from _say_task(sheet, room, bars, named)
    elif last.kind in ("waiting", "receiving"):
        yield from room.inside(bars[0], [PHASES["waiting"], "waits"])
        if not last.open:
            yield from room.right([duration(last.end - bars[0].start)])
    else:
        yield from _say_request(sheet, room, bars, named)


def _say_busy(room: Room, bar: Bar) -> Iterator[Note]:
    """Who held the event loop and for how long; and at which line, if that is known."""
    culprit, line = legible(bar.label), legible(bar.line or "")
    held = f"held by {culprit} for {duration(bar.end - bar.start)}"
    where = [f"{held} at {line}", f"held by {culprit} at {line}"] if line else []
    yield from list(room.anywhere(bar, where)) or room.anywhere(bar, [held, culprit])


def _say_span(sheet: Sheet, room: Room, bars: Sequence[Bar]) -> Iterator[Note]:
    """What took the time, and how long; it is named as far as there is room beside its siblings."""
    first = bars[0]
    name = f"{legible(first.label)}{legible(times(first.times))}"
    took = duration(sum(bar.end - bar.start for bar in bars))
    error = next((bar.error for bar in bars if bar.error), "")
    wrong = legible(error or ("clock went back" if first.backwards else ""))
    lasted = "still open" if any(bar.open for bar in bars) else took
    color = sheet.palette["error"] if wrong else None
    options = [_joined(name, lasted, wrong), _joined(name, wrong), name]
    longest = max(bars, key=lambda bar: bar.end - bar.start)
    alone = bool(sheet.scene.lanes[first.lane].label)
    # The number of those that are drawn as one is never cut out.
    cut = room.cut(legible(first.label), legible(times(first.times))) if alone else ""
    for words in [*options, cut]:
        if found := list(room.anywhere(longest, [words], color)):
            yield from found
            return


def _say_request(sheet: Sheet, room: Room, bars: Sequence[Bar], named: bool) -> Iterator[Note]:
    last = bars[-1]
    timeline = sheet.scene.groups[last.request].timeline
    if named:
        longest = max(bars, key=lambda bar: bar.end - bar.start)
        yield from room.anywhere(longest, [legible(timeline.title)])
        return
    phases = [note for bar in bars for note in room.inside(bar, [PHASES.get(bar.kind, "")])]
    yield from phases
    wrong = timeline.error or ("response aborted" if timeline.aborted else "")
    if wrong:
        yield from room.right([legible(wrong)], sheet.palette["error"])
    elif len(sheet.scene.groups) == 1 and last.kind == "after" and _unsaid("after", phases):
        yield from room.right([PHASES["after"]])


def _unsaid(kind: str, said: Sequence[Note]) -> bool:
    return all(note.words != PHASES[kind] for note in said)


def _say_task(sheet: Sheet, room: Room, bars: Sequence[Bar], named: bool) -> Iterator[Note]:
    last = bars[-1]
    assert last.task is not None
    task = sheet.scene.groups[last.request].timeline.tasks[last.task]
    ending = _ending(bars, task)
    color = sheet.palette["error"] if ending else None
    name = legible(task.name) if named else ""
    said = [_lasted(bar, task) for bar in bars]
    every = [words[-1] for words in said if words]
    above: list[Note] = []
    if said[-1] and last.kind == "run" and not named and not any(bar.backwards for bar in bars):
        for place, bar in enumerate(bars[:-1]):
            if found := list(room.inside(bar, said[place])):
                above += found
                said[place] = []
    parts = [words[-1] for words in said if words]
    short = [_joined(name, *parts[at:]) for at in range(len(parts))] + [name] * bool(name)
    if ending and room.fits_right(ending) and (found := list(room.inside(last, short))):
        yield from [*above, *found, *room.right([ending], color)]
        return
    options = [_joined(words, ending) for words in short] + [ending] * (not named)
    if found := list(room.inside(last, options)) or list(room.right(options, color)):
        yield from [*above, *found]
        return
    # In what came before the run, or left of it, the words must say all.
    both = [_joined(name, *some, ending) for some in (every, every[1:]) if len(some) > 1]
    both.append(_joined(name, ending) or _joined(*every))
    longest = max(bars, key=lambda bar: bar.end - bar.start)
    found = list(room.inside(longest, both)) or list(room.left(both, color)) or above
    if not found and name:
        # Who it was is said in any case, as far as there is room.
        tails = [f" · {ending}", ""] if ending else [""]
        cuts = [words for tail in tails if (words := room.cut(name, tail)) != tail]
        found = list(room.anywhere(longest, cuts, color))
    yield from found


def _lasted(bar: Bar, task: TaskRecord) -> list[str]:
    """Say how long a part of a task took, from long to short; nothing of what came to no end."""
    took = duration(bar.end - bar.start)
    if task.outcome is not None and (bar.open or task.started is None):
        return []
    if bar.kind == "held":
        if task.mode in ("immediate", "spawned"):
            # Their modes hold nothing back: it took that long to hand them over.
            return []
        held = f"held back {took}"
        return ["still held back"] if bar.open else [f"{held} by its mode", held]
    if bar.kind == "wait":
        return ["still waiting" if bar.open else f"waited {took}"]
    return ["still running" if bar.open else f"ran {took}"]


def _ending(bars: Sequence[Bar], task: TaskRecord) -> str:
    if any(bar.backwards for bar in bars):
        return "clock went back"
    if task.outcome in (None, "ok"):
        return ""
    if task.outcome == "cancelled" and task.started is None:
        return "cancelled before its start"
    return legible(task.error or str(task.outcome))


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
