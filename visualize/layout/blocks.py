"""One request as a block of lanes: the client, the request, its tasks, their spans, the loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from fastapi_tasks.timeline import TaskRecord, Timeline

from .beneath import Beneath, Spans
from .lanes import Extent, pack
from .nest import Branch, branches
from .scene import Arrow, Bar, BarKind, Group, Lane, Mark, Sign


class Block:
    """The lanes of one request and what stands on them; `top` places it in the scene.

    `shift` brings the timeline's clock to the scene's. `now` is the last moment that anything
    in the scene knows: whatever has no end is drawn up to there.
    """

    def __init__(self, number: int, timeline: Timeline, shift: int, now: int) -> None:
        self.number = number
        self.timeline = timeline
        self.shift = shift
        self.now = now
        self.positions: dict[int | None, int] = {
            task.id: position for position, task in enumerate(timeline.tasks)
        }
        self.extents = [self._task_extent(task) for task in timeline.tasks]
        self.shared = False
        self.beneath: dict[int | None, Beneath] = {}
        self.busy_lanes = pack([self._between(held.start, held.end) for held in timeline.busy])
        self._place()

    def share_lanes(self) -> None:
        """Let tasks that never overlap share a lane; spans have none then."""
        self.shared = True
        self.show("counted")

    def show(self, spans: Spans) -> None:
        """Give the spans lanes beneath the bars that made them."""
        owned: dict[int | None, list[Branch]] = {}
        if spans != "counted":
            for branch in branches(self.timeline, self.now - self.shift, fold=spans != "all"):
                owned.setdefault(branch.task, []).append(branch)
        self.beneath = {task: Beneath(one, packed=spans == "packed") for task, one in owned.items()}
        self._place()

    def _place(self) -> None:
        """Say which lane each task has, and where the event loop's begin."""
        below = self._request_lane + 1 + self._depth(None)
        if self.shared:
            self.task_lanes = [below + lane for lane in pack(self.extents)]
            self._loop_lane = max(self.task_lanes, default=below - 1) + 1
            return
        heights = [1 + self._depth(index) for index in range(len(self.timeline.tasks))]
        *self.task_lanes, self._loop_lane = accumulate(heights, initial=below)

    def _depth(self, task: int | None) -> int:
        """How many lanes of spans there are beneath the task, or the request."""
        return self.beneath[task].height if task in self.beneath else 0

    @property
    def height(self) -> int:
        return self._loop_lane + max(self.busy_lanes, default=-1) + 1

    @property
    def extent(self) -> Extent:
        bars = list(self.bars(0))
        return min(bar.start for bar in bars), max(bar.end for bar in bars)

    def group(self, top: int) -> Group:
        counted = 0 if self.beneath else len(self.timeline.spans)
        return Group(self.timeline.title, top, top + self.height - 1, self.timeline, counted)

    def lanes(self) -> Iterator[Lane]:
        if self.timeline.client is not None:
            yield Lane("client", "client", self.number)
        yield Lane("request", self.timeline.title, self.number)
        yield from self._span_lanes(None)
        if self.shared:
            shared = self._loop_lane - self._request_lane - 1
            yield from (Lane("shared", "", self.number) for _ in range(shared))
        else:
            for index, task in enumerate(self.timeline.tasks):
                yield Lane("task", task.name, self.number, index, task.mode, task.thread)
                yield from self._span_lanes(index)
        busy = max(self.busy_lanes, default=-1) + 1
        yield from (Lane("loop", "event loop", self.number) for _ in range(busy))

    def _span_lanes(self, task: int | None) -> Iterator[Lane]:
        if task in self.beneath:
            yield from self.beneath[task].rows(self.number)

    def bars(self, top: int) -> Iterator[Bar]:
        yield from self._client_bars(top)
        yield from self._request_bars(top + self._request_lane)
        yield from self._span_bars(None, top + self._request_lane)
        for index, task in enumerate(self.timeline.tasks):
            lane = top + self.task_lanes[index]
            yield from self._task_bars(index, task, lane)
            yield from self._span_bars(index, lane)
        for held, lane in zip(self.timeline.busy, self.busy_lanes, strict=True):
            start, end = self._between(held.start, held.end)
            culprit = self.positions.get(held.task)
            yield Bar(
                top + self._loop_lane + lane, start, end, "busy", self.number, culprit,
                backwards=held.end < held.start, label=held.culprit, line=held.line,
            )  # fmt: skip

    def _span_bars(self, task: int | None, lane: int) -> Iterator[Bar]:
        if task in self.beneath:
            yield from self.beneath[task].bars(lane + 1, self.number, self.shift)

    def marks(self, top: int) -> Iterator[Mark]:
        last = top + self.height - 1
        if self.timeline.endpoint_end is not None:
            at = self.timeline.endpoint_end + self.shift
            yield Mark("endpoint_end", at, top, last, self.number)
        if self.timeline.response_sent is not None:
            at = self.timeline.response_sent + self.shift
            yield Mark("response_sent", at, top, last, self.number)

    def signs(self, top: int) -> Iterator[Sign]:
        for index, task in enumerate(self.timeline.tasks):
            lane = top + self.task_lanes[index]
            if task.released is not None:
                at = task.released + self.shift
                yield Sign("released", at, lane, self.number, index, task.mode)
            if task.outcome is not None and task.outcome != "ok":
                end = self._end(task)
                at = self.now if end is None else end + self.shift
                yield Sign(task.outcome, at, lane, self.number, index, task.mode, task.error)

    def arrows(self, top: int) -> Iterator[Arrow]:
        for index, task in enumerate(self.timeline.tasks):
            parent = self.positions.get(task.parent)
            known = parent is not None and parent != index
            source = self.task_lanes[parent] if known and parent is not None else self._request_lane
            to = None if task.started is None else task.started + self.shift
            yield Arrow(
                task.requested + self.shift, top + source, top + self.task_lanes[index], to,
                self.number, index, task.mode,
            )  # fmt: skip

    @property
    def _request_lane(self) -> int:
        return 0 if self.timeline.client is None else 1

    def _client_bars(self, lane: int) -> Iterator[Bar]:
        view = self.timeline.client
        if view is not None:
            steps: list[tuple[BarKind, int | None]] = [
                ("waiting", view.answered),
                ("receiving", view.received),
            ]
            yield from self._phases(lane, view.sent, steps)

    def _request_bars(self, lane: int) -> Iterator[Bar]:
        line = self.timeline
        steps: list[tuple[BarKind, int | None]] = (
            [("handling", line.response_start)]
            if line.endpoint_start is None and line.endpoint_end is None
            else [("before", line.endpoint_start), ("endpoint", line.endpoint_end)]
        )
        steps += [("sending", line.response_sent), ("after", line.request_end)]
        yield from self._phases(lane, line.request_start, steps)

    def _phases(
        self, lane: int, start: int, steps: Sequence[tuple[BarKind, int | None]]
    ) -> Iterator[Bar]:
        """One bar after another; a phase without an end lasts until the next known moment."""
        at = start + self.shift
        kind: BarKind | None = None
        for step, moment in steps:
            kind = kind or step
            if moment is None:
                continue
            # A clock that went backwards leaves an empty phase rather than an overlapping one.
            end = max(at, moment + self.shift)
            yield Bar(lane, at, end, kind, self.number, backwards=moment + self.shift < at)
            at, kind = end, None
        if kind is not None:
            yield Bar(lane, at, max(at, self.now), kind, self.number, open=True)

    def _task_bars(self, index: int, task: TaskRecord, lane: int) -> Iterator[Bar]:
        """What its mode held back, if anything, its wait, and its run, as far as it came."""
        requested, released, started = task.requested, task.released, task.started
        end = self._end(task)
        if released is None:
            yield self._task_bar(
                "held", lane, requested, end if started is None else started, index
            )
        else:
            if released != requested:
                yield self._task_bar("held", lane, requested, released, index)
            yield self._task_bar("wait", lane, released, end if started is None else started, index)
        if started is not None:
            yield self._task_bar("run", lane, started, end, index)

    def _task_bar(self, kind: BarKind, lane: int, first: int, last: int | None, index: int) -> Bar:
        known = max(first, self.now - self.shift) if last is None else last
        start, end = self._between(first, known)
        return Bar(
            lane, start, end, kind, self.number, index, self.timeline.tasks[index].mode,
            open=last is None, backwards=known < first,
        )  # fmt: skip

    def _end(self, task: TaskRecord) -> int | None:
        """When the task ended: None while it has not, and for an abandoned one."""
        if task.finished is not None or task.outcome in (None, "abandoned"):
            return task.finished
        # A record may say how a task ended and not when: the last moment it does know, then.
        known = (task.requested, task.released, task.started, self.timeline.endpoint_end)
        return max(moment for moment in known if moment is not None)

    def _task_extent(self, task: TaskRecord) -> Extent:
        end = self._end(task)
        known = (task.requested, task.released, task.started, end)
        moments = [moment + self.shift for moment in known if moment is not None]
        return min(moments), max(*moments, self.now) if end is None else max(moments)

    def _between(self, first: int, last: int) -> Extent:
        return min(first, last) + self.shift, max(first, last) + self.shift
