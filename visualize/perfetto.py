"""Timelines as Chrome Trace Event JSON, which ui.perfetto.dev opens: a process for each request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, TypeAlias

from fastapi_tasks import harmless
from fastapi_tasks.nesting import parents
from fastapi_tasks.timeline import MODES, Mode, TaskRecord, Timeline
from visualize import words
from visualize.layout import Arrow, Bar, LaneKind, Mark, Recording, Scene, Sign, arrange
from visualize.layout.lanes import Extent, pack
from visualize.signs import TRACE_HEAD
from visualize.tracks import Track, in_time, place
from visualize.words import MARK_WORDS, PART_WORDS, PHASE_WORDS, US

Event: TypeAlias = dict[str, Any]

INSTANT = 1
"""Nanoseconds that stand for no time at all: an arrow needs a bar that lasts."""


def to_perfetto(timelines: Recording) -> str:
    """Return a trace with one event a line, in microseconds after the first moment.

    The tasks of each mode have one track or more. An arrow goes from where a task was scheduled to
    its start. Spans are inside the bar that made them, or on tracks beside it where they reach
    beyond it or overlap each other.
    """
    scene = arrange(timelines, lanes="task", spans="all")
    # Thread ids differ from process ids: Perfetto would take the two for one.
    ids = count(len(scene.groups) + 1)
    lines = ",\n".join(
        json.dumps(event, separators=(",", ":"))
        for process in _processes(scene, ids)
        for event in process.events()
    )
    return f"{TRACE_HEAD}{lines}\n]}}\n"


def _processes(scene: Scene, ids: Iterator[int]) -> list[_Process]:
    processes = [_Process(scene, request, ids) for request in range(len(scene.groups))]
    for bar in scene.bars:
        if bar.kind == "span":
            processes[bar.request].spans.append(bar)
        else:
            processes[bar.request].bars.setdefault(bar.lane, []).append(bar)
    for mark in scene.marks:
        processes[mark.request].marks.append(mark)
    for sign in scene.signs:
        processes[sign.request].signs.append(sign)
    for arrow in scene.arrows:
        processes[arrow.request].arrows.append(arrow)
    return processes


class _Process:
    """One request; `ids` gives numbers that no other thread or arrow has."""

    def __init__(self, scene: Scene, request: int, ids: Iterator[int]) -> None:
        self.scene = scene
        self.pid = request + 1
        self.ids = ids
        self.group = scene.groups[request]
        self.bars: dict[int, list[Bar]] = {}
        self.spans: list[Bar] = []
        self.marks: list[Mark] = []
        self.signs: list[Sign] = []
        self.arrows: list[Arrow] = []
        self.tracks: dict[int, Track] = {}
        self.drawn: dict[int, list[Extent]] = {}
        self.written: list[Event] = []
        self.nested: list[Event] = []

    def events(self) -> list[Event]:
        """All events; bars stand before the moments and the arrows that they hold.

        The spans come last, so that an arrow ends at its task and not at what is inside of it.
        """
        self._name("process", self.pid, _title(self.group.timeline))
        self._lanes("client", "client")
        self._lanes("request", "request")
        self._nest("request", None)
        for mode in MODES:
            self._tasks(mode)
            self._nest(mode, mode)
        self._lanes("loop", "event loop")
        self._moments()
        for arrow in self.arrows:
            if arrow.to is not None:
                self._arrow(arrow)
        return [*self.written, *self.nested]

    def _lanes(self, kind: LaneKind, name: str) -> None:
        for lane, bars in self.bars.items():
            if self.scene.lanes[lane].kind != kind:
                continue
            self.tracks[lane] = self._track(name)
            for bar in bars:
                said = PHASE_WORDS.get(bar.kind) or f"held by {harmless(bar.label)}"
                category = "loop" if bar.kind == "busy" else "request"
                line = None if bar.line is None else harmless(bar.line)
                facts: Event = {"open": bar.open, "line": line}
                self._bar(lane, (bar.start, bar.end), said, category, facts)

    def _tasks(self, mode: Mode) -> None:
        lanes = [lane for lane in self.bars if self.scene.lanes[lane].mode == mode]
        parts = {lane: _one_by_one(self.bars[lane]) for lane in lanes}
        places = pack([(parts[lane][0][0], parts[lane][-1][1]) for lane in lanes])
        tracks = [self._track(mode) for _ in range(max(places, default=-1) + 1)]
        for lane, chosen in zip(lanes, places, strict=True):
            self.tracks[lane] = tracks[chosen]
            self._task(lane, parts[lane])

    def _task(self, lane: int, parts: Iterable[Extent]) -> None:
        task = self.group.timeline.tasks[self.scene.lanes[lane].task or 0]
        for bar, part in zip(self.bars[lane], parts, strict=True):
            facts: Event = {"open": bar.open, "backwards": bar.backwards}
            if bar is self.bars[lane][-1]:
                facts |= _facts(task)
            name = PART_WORDS[bar.kind].format(harmless(task.name))
            self._bar(lane, part, name, bar.kind, facts)

    def _nest(self, name: str, mode: Mode | None) -> None:
        """Place the spans of the request, or of the tasks of a mode, on tracks."""
        owners = {
            self.scene.lanes[lane].task: lane
            for lane in self.bars
            if self.scene.lanes[lane].kind in ("request", "task")
        }
        spans = [bar for bar in self.spans if self.scene.lanes[owners[bar.task]].mode == mode]
        extents = [(bar.start, max(bar.end, bar.start + INSTANT)) for bar in spans]
        lanes = [owners[bar.task] for bar in spans]
        tracks = place(
            extents,
            [(self.tracks[lane], self.drawn.get(lane, ())) for lane in lanes],
            _inside(spans, self.group.timeline),
            lambda: self._track(f"{name} spans"),
        )
        for at in in_time(extents):
            self._span(spans[at], extents[at], tracks[at])

    def _span(self, bar: Bar, extent: Extent, track: Track) -> None:
        span = self.group.timeline.spans[bar.span or 0]
        told = {harmless(key): harmless(value) for key, value in span.attributes.items()}
        error = None if span.error is None else harmless(span.error)
        facts = {"open": bar.open, "backwards": bar.backwards, "error": error, **told}
        self.nested.append(self._slice(track, extent, harmless(bar.label), span.kind, facts))

    def _bar(self, lane: int, extent: Extent, name: str, category: str, facts: Event) -> None:
        if extent[1] > extent[0]:
            self.drawn.setdefault(lane, []).append(extent)
            self.written.append(self._slice(self.tracks[lane], extent, name, category, facts))

    def _slice(self, track: Track, extent: Extent, name: str, category: str, facts: Event) -> Event:
        start, end = extent
        return {
            **self._at("X", track, start), "dur": (end - start) / US, "name": name, "cat": category,
            "args": {key: value for key, value in facts.items() if value not in (None, False)},
        }  # fmt: skip

    def _moments(self) -> None:
        request = next(lane for lane in self.bars if self.scene.lanes[lane].kind == "request")
        for mark in self.marks:
            at = self._at("i", self.tracks[request], mark.at)
            self.written.append({**at, "s": "p", "name": MARK_WORDS[mark.kind]})
        for sign in self.signs:
            at = self._at("i", self.tracks[sign.lane], sign.at)
            self.written.append({**at, "s": "t", "name": sign.kind})

    def _arrow(self, arrow: Arrow) -> None:
        held = any(start <= arrow.at < end for start, end in self.drawn.get(arrow.lane, ()))
        if not held:
            # Nothing was recorded there at that time, as when a dependency's exit code schedules.
            extent = (arrow.at, arrow.at + INSTANT)
            self._bar(arrow.lane, extent, "schedule()", "request", {})
        flow = {"id": next(self.ids), "name": "schedule", "cat": "flow"}
        start = self.drawn[arrow.to_lane][-1][0]
        self.written.append({**self._at("s", self.tracks[arrow.lane], arrow.at), **flow})
        self.written.append({**self._at("f", self.tracks[arrow.to_lane], start), "bp": "e", **flow})

    def _at(self, phase: str, track: Track, at: int) -> Event:
        ts = (at - self.scene.start) / US
        return {"ph": phase, "pid": self.pid, "tid": track.number, "ts": ts}

    def _track(self, name: str) -> Track:
        track = Track(next(self.ids))
        self._name("thread", track.number, name)
        return track

    def _name(self, kind: str, number: int, name: str) -> None:
        """Name a process or thread, and place it by its number."""
        who = {"ph": "M", "pid": self.pid} | ({"tid": number} if kind == "thread" else {})
        self.written += [
            {**who, "name": f"{kind}_name", "args": {"name": name}},
            {**who, "name": f"{kind}_sort_index", "args": {"sort_index": number}},
        ]


def _title(timeline: Timeline) -> str:
    gone = {"earlier task": timeline.tasks_dropped, "earlier span": timeline.spans_dropped}
    said = [f"{words.count(number, noun)} let go" for noun, number in gone.items() if number]
    return f"{timeline.title} ({', '.join(said)})" if said else timeline.title


def _inside(bars: Iterable[Bar], timeline: Timeline) -> list[int | None]:
    """The position, among these bars, of the one that holds each, if there is one."""
    around = parents(timeline.spans)
    spans = [bar.span for bar in bars]
    places = {span: at for at, span in enumerate(spans)}
    return [None if span is None else places.get(around[span]) for span in spans]


def _one_by_one(bars: Iterable[Bar]) -> list[Extent]:
    """Where a task's bars are drawn: one after another even if the clock went backwards."""
    extents: list[Extent] = []
    for bar in bars:
        start = max(bar.start, extents[-1][1]) if extents else bar.start
        least = INSTANT if bar.kind == "run" else 0
        extents.append((start, max(bar.end, start + least)))
    return extents


def _facts(task: TaskRecord) -> Event:
    return {
        "mode": task.mode,
        "outcome": task.outcome or "not ended",
        "error": None if task.error is None else harmless(task.error),
        "thread": task.thread,
        "shield": task.shield,
    }
