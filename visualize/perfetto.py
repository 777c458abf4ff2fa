"""Timelines as Chrome Trace Event JSON, which ui.perfetto.dev opens: a process for each request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any, TypeAlias

from fastapi_tasks.timeline import MODES, Mode, TaskRecord
from visualize.layout import Arrow, Bar, Mark, Recording, Scene, Sign, arrange
from visualize.layout.lanes import Extent, pack
from visualize.words import MARK_WORDS, PHASE_WORDS, US, harmless

Event: TypeAlias = dict[str, Any]

INSTANT = 1
"""Nanoseconds that stand for no time at all: an arrow needs a bar that lasts."""


def to_perfetto(timelines: Recording) -> str:
    """Return a trace with one event a line, in microseconds after the first moment.

    The tasks of each mode have one lane or more. An arrow goes from where a task was scheduled to
    its start.
    """
    scene = arrange(timelines, lanes="task")
    # Thread ids differ from process ids: Perfetto would take the two for one.
    ids = count(len(scene.groups) + 1)
    lines = ",\n".join(
        json.dumps(event, separators=(",", ":"))
        for process in _processes(scene, ids)
        for event in process.events()
    )
    return f'{{"displayTimeUnit":"ms","traceEvents":[\n{lines}\n]}}\n'


def _processes(scene: Scene, ids: Iterator[int]) -> list[_Process]:
    processes = [_Process(scene, request, ids) for request in range(len(scene.groups))]
    for bar in scene.bars:
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
        self.marks: list[Mark] = []
        self.signs: list[Sign] = []
        self.arrows: list[Arrow] = []
        self.threads: dict[int, int] = {}
        self.spans: dict[int, list[Extent]] = {}

    def events(self) -> Iterator[Event]:
        """All events; bars stand before the moments and the arrows that they hold."""
        yield from self._named("process", self.pid, harmless(self.group.title))
        kinds = {lane: self.scene.lanes[lane].kind for lane in self.bars}
        for lane, kind in kinds.items():
            if kind in ("client", "request"):
                yield from self._lane(lane, kind)
        for mode in MODES:
            yield from self._tasks(mode)
        for lane, kind in kinds.items():
            if kind == "loop":
                yield from self._lane(lane, "event loop")
        yield from self._moments()
        for arrow in self.arrows:
            if arrow.to is not None:
                yield from self._arrow(arrow)

    def _lane(self, lane: int, name: str) -> Iterator[Event]:
        self.threads[lane] = next(self.ids)
        yield from self._named("thread", self.threads[lane], name)
        for bar in self.bars[lane]:
            said = PHASE_WORDS.get(bar.kind) or f"held by {harmless(bar.label)}"
            category = "loop" if bar.kind == "busy" else "request"
            yield from self._bar(lane, (bar.start, bar.end), said, category, {"open": bar.open})

    def _tasks(self, mode: Mode) -> Iterator[Event]:
        lanes = [lane for lane in self.bars if self.scene.lanes[lane].mode == mode]
        spans = {lane: _spans(self.bars[lane]) for lane in lanes}
        places = pack([(spans[lane][0][0], spans[lane][-1][1]) for lane in lanes])
        threads = [next(self.ids) for _ in range(max(places, default=-1) + 1)]
        for thread in threads:
            yield from self._named("thread", thread, mode)
        for lane, place in zip(lanes, places, strict=True):
            self.threads[lane] = threads[place]
            yield from self._task(lane, spans[lane])

    def _task(self, lane: int, spans: Iterable[Extent]) -> Iterator[Event]:
        index = self.scene.lanes[lane].task
        assert index is not None
        task = self.group.timeline.tasks[index]
        name = harmless(task.name)
        for bar, span in zip(self.bars[lane], spans, strict=True):
            said = name if bar.kind == "run" else f"{name} waits"
            facts: Event = {"open": bar.open, "backwards": bar.backwards}
            if bar is self.bars[lane][-1]:
                facts |= _facts(task)
            yield from self._bar(lane, span, said, bar.kind, facts)

    def _bar(
        self, lane: int, span: Extent, name: str, category: str, facts: Event
    ) -> Iterator[Event]:
        start, end = span
        if end == start:
            return
        self.spans.setdefault(lane, []).append(span)
        yield {
            **self._at("X", lane, start), "dur": (end - start) / US, "name": name, "cat": category,
            "args": {key: value for key, value in facts.items() if value not in (None, False)},
        }  # fmt: skip

    def _moments(self) -> Iterator[Event]:
        request = next(lane for lane in self.bars if self.scene.lanes[lane].kind == "request")
        for mark in self.marks:
            yield {**self._at("i", request, mark.at), "s": "p", "name": MARK_WORDS[mark.kind]}
        for sign in self.signs:
            yield {**self._at("i", sign.lane, sign.at), "s": "t", "name": sign.kind}

    def _arrow(self, arrow: Arrow) -> Iterator[Event]:
        held = any(start <= arrow.at < end for start, end in self.spans.get(arrow.lane, ()))
        if not held:
            # Nothing was recorded there at that time, as when a dependency's exit code schedules.
            span = (arrow.at, arrow.at + INSTANT)
            yield from self._bar(arrow.lane, span, "schedule()", "request", {})
        flow = {"id": next(self.ids), "name": "schedule", "cat": "flow"}
        start = self.spans[arrow.to_lane][-1][0]
        yield {**self._at("s", arrow.lane, arrow.at), **flow}
        yield {**self._at("f", arrow.to_lane, start), "bp": "e", **flow}

    def _at(self, phase: str, lane: int, at: int) -> Event:
        ts = (at - self.scene.start) / US
        return {"ph": phase, "pid": self.pid, "tid": self.threads[lane], "ts": ts}

    def _named(self, kind: str, number: int, name: str) -> Iterator[Event]:
        """Name a process or thread, and place it where it comes in the file."""
        who = {"ph": "M", "pid": self.pid} | ({"tid": number} if kind == "thread" else {})
        yield {**who, "name": f"{kind}_name", "args": {"name": name}}
        yield {**who, "name": f"{kind}_sort_index", "args": {"sort_index": number}}


def _spans(bars: Iterable[Bar]) -> list[Extent]:
    """Where a task's bars are drawn: one after another even if the clock went backwards."""
    spans: list[Extent] = []
    for bar in bars:
        start = max(bar.start, spans[-1][1]) if spans else bar.start
        least = INSTANT if bar.kind == "run" else 0
        spans.append((start, max(bar.end, start + least)))
    return spans


def _facts(task: TaskRecord) -> Event:
    return {
        "mode": task.mode,
        "outcome": task.outcome or "not ended",
        "error": task.error,
        "thread": task.thread,
        "shield": task.shield,
    }
