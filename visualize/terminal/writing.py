"""Timelines as text: for each request its marks, a row for each task, and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fastapi_tasks.nesting import parents
from fastapi_tasks.timeline import MODES, OUTCOMES, Busy, TaskRecord, Timeline
from visualize.layout import Recording, Scene, arrange, listed
from visualize.words import count, duration, span_words

from .cells import Pen, columns, fit, wrap
from .pens import pen_for
from .rows import Table

FAULTS, LINES = 5, 3
"""So many kinds of spans that failed are named, and source lines that held the loop."""


def text(
    timelines: Recording,
    *,
    width: int | None = None,
    color: bool | None = None,
    ascii: bool | None = None,
) -> str:
    """Draw timelines as text, one request after another.

    `width` is in columns, 40 at least, by default the terminal's. `color` is by default on where
    standard output is a terminal and NO_COLOR is not set. `ascii` uses only ASCII characters, by
    default where the encoding of standard output has no others.
    """
    given = listed(timelines)
    pen = pen_for(width=width, color=color, ascii=ascii)
    if not given:
        return "No request was recorded.\n"
    scenes = [arrange(timeline, lanes="task", spans="folded") for timeline in given]
    parts = ["\n".join(_request(scene, pen)) for scene in scenes]
    legend = "\n".join(_legend(given, pen))
    parts += [legend] if legend else []
    return "\n\n".join(parts) + "\n"


def _request(scene: Scene, pen: Pen) -> Iterator[str]:
    timeline = scene.groups[0].timeline
    table = Table(scene, pen)
    yield from _wrapped(_header(timeline, pen), " · ", pen, "bold")
    yield table.head()
    yield from (table.row(lane) for lane in range(len(scene.lanes)))
    yield table.axis()
    for fault in _faults(timeline, pen):
        yield from (pen.styled(line, "error") for line in wrap(fault, pen.width))


def _header(timeline: Timeline, pen: Pen) -> Iterator[str]:
    start = timeline.request_start
    path, mark, number = timeline.title.rpartition(" #")
    path = pen.literal(path)
    yield fit(path, min(columns(path), pen.width - len(mark + number))) + mark + number
    if timeline.status is not None:
        yield str(timeline.status)
    if timeline.endpoint_end is not None:
        yield f"endpoint end {duration(timeline.endpoint_end - start)}"
    if timeline.response_sent is not None:
        yield f"response sent {duration(timeline.response_sent - start)}"
    if timeline.request_end is None:
        yield "still open"


def _faults(timeline: Timeline, pen: Pen) -> Iterator[str]:
    """Say in words what a newcomer would not see."""
    if timeline.error is not None:
        yield f"the endpoint raised {pen.literal(timeline.error)}"
    if timeline.aborted:
        yield "the response was aborted"
    for task in timeline.tasks:
        if task.error is not None:
            yield f"{pen.literal(task.name)} raised {pen.literal(task.error)}"
    yield from _failed(timeline, pen)
    for culprit in dict.fromkeys(held.culprit for held in timeline.busy):
        yield _held(culprit, [held for held in timeline.busy if held.culprit == culprit], pen)
    if any((task.waited or 0) < 0 or (task.ran or 0) < 0 for task in timeline.tasks):
        yield "the clock went backwards: some bars are mirrored"
    for noun in ("task", "span"):
        gone = getattr(timeline, f"{noun}s_dropped")
        if gone:
            yield f"{count(gone, f'earlier {noun}')} let go"


def _failed(timeline: Timeline, pen: Pen) -> Iterator[str]:
    """Say what failed; not again for each thing around it that let the same error through."""
    inside = parents(timeline.spans)
    through = {
        parent
        for span, parent in zip(timeline.spans, inside, strict=True)
        if parent is not None and span.error == timeline.spans[parent].error
    }
    failed = Counter(
        f"{span_words(span.kind, span.name)} raised {span.error}"
        for place, span in enumerate(timeline.spans)
        if span.error is not None and place not in through
    )
    for words, times in failed.most_common(FAULTS):
        yield pen.literal(words) + (f", {times:,} times" if times > 1 else "")
    more = len(failed) - FAULTS
    if more > 0:
        yield f"and {count(more, 'more kind')} of spans raised an error"


def _held(culprit: str, segments: Sequence[Busy], pen: Pen) -> str:
    total = duration(sum(abs(held.end - held.start) for held in segments))
    times = "" if len(segments) == 1 else f", {len(segments)} times"
    known = list(dict.fromkeys(held.line for held in segments if held.line is not None))
    where = ", ".join(map(pen.literal, known[:LINES]))
    more = f" and {count(len(known) - LINES, 'more line')}" if len(known) > LINES else ""
    at = f", at {where}{more}" if known else ""
    return f"{pen.literal(culprit)} held the event loop for {total}{times}{at}"


def _legend(timelines: Sequence[Timeline], pen: Pen) -> Iterator[str]:
    """Name what occurs, and nothing else."""
    tasks = [task for timeline in timelines for task in timeline.tasks]
    modes, outcomes = {task.mode for task in tasks}, {task.outcome for task in tasks}
    glyphs, bars = pen.glyphs, pen.glyphs.bars
    parts = [f"{glyphs.shapes[mode]} {mode}" for mode in MODES if mode in modes]
    threads = {glyphs.threads[task.mode] for task in tasks if task.thread}
    parts += [f"{''.join(sorted(threads))} in a thread"] if threads else []
    if tasks:
        parts += [f"{bars['held']} held back"] if any(map(_held_back, tasks)) else []
        parts += [f"{bars['wait']} waiting", f"{bars['run']} running"]
    if any(timeline.spans for timeline in timelines):
        parts.append(f"{bars['span']} span")
    if any(timeline.busy for timeline in timelines):
        parts.append(f"{bars['busy']} holds the loop")
    parts += [f"{glyphs.outcomes[one]} {one}" for one in OUTCOMES if one in outcomes]
    parts += [f"{glyphs.outcomes[None]} not ended"] * (None in outcomes)
    yield from _wrapped(parts, "  ", pen, "dim")


def _held_back(task: TaskRecord) -> bool:
    return task.released != task.requested


def _wrapped(parts: Iterable[str], between: str, pen: Pen, style: str) -> Iterator[str]:
    """Put parts on as few lines as they need."""
    line = ""
    for part in parts:
        if line and columns(line + between + part) > pen.width:
            yield pen.styled(line, style)
            line = ""
        line += (between if line else "") + part
    if line:
        yield pen.styled(line, style)
