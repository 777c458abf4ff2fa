"""Starlette's BackgroundTasks as tasks of mode `background`."""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import Any

from starlette.background import BackgroundTask

from ..bounds import thin
from ..callables import display_name
from ..names import name_of
from ..timeline import TaskRecord
from .here import Here, Watched, here
from .hook import tried

_RECORD = "fastapi_tasks_record"

_KEPT = 500
"""Ended tasks that a request knows, to tell which of them held the loop."""


def install() -> None:
    """Record each task that is added in a watched request, from now on."""
    if hasattr(BackgroundTask, _RECORD):
        return
    setattr(BackgroundTask, _RECORD, None)
    _watch_making()
    _watch_running()


def _watch_making() -> None:
    make = BackgroundTask.__init__

    @functools.wraps(make)
    def watched(self: BackgroundTask, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        around = here.get()
        if around is not None:
            setattr(self, _RECORD, tried(_requested, self, around))

    BackgroundTask.__init__ = watched  # type: ignore[method-assign]


def _requested(task: BackgroundTask, around: Here) -> TaskRecord:
    request = around.request
    record = TaskRecord(
        display_name(task.func),
        "background",
        request.keeper.clock(),
        thread=not task.is_async,
        parent=around.task,
    )
    request.keeper.add_task(request.timeline, record)
    request.background.append(record)
    # A connection may last for days, and make one a message.
    if len(request.background) % (2 * _KEPT) == 0:
        thin(request.background, _KEPT)
    if request.keeper.listeners:
        request.keeper.tell("requested", request.timeline, record)
    return record


def _watch_running() -> None:
    run = BackgroundTask.__call__

    @functools.wraps(run)
    async def watched(self: BackgroundTask) -> None:
        around = here.get()
        record: TaskRecord | None = getattr(self, _RECORD)
        if around is None or record is None or record.released is not None or record.outcome:
            # Outside of requests; or once more, or after its own request.
            await run(self)
            return
        running = functools.partial(run, self)
        if not record.thread:
            await _recorded(running, around, record)
            return
        func = self.func
        self.func = _marking_start(func, around, record)
        try:
            await _recorded(running, around, record)
        finally:
            self.func = func

    BackgroundTask.__call__ = watched  # type: ignore[method-assign]


async def _recorded(run: Any, around: Here, record: TaskRecord) -> None:
    token = here.set(Here(around.request, record.id))
    tried(_released, around, record)
    try:
        await run()
    except BaseException as error:
        record.error = name_of(type(error))
        record.outcome = "error"
        raise
    else:
        record.outcome = "ok"
    finally:
        here.reset(token)
        tried(_mark, around, record, "finished")
        if around.request.keeper.crowded:
            around.request.keeper.task_ended(around.request.timeline)


def _released(around: Here, record: TaskRecord) -> None:
    request = around.request
    # They run one after another: whatever lies between this and the start is one waiting. One may
    # be asked for only when the response is over.
    sent = request.timeline.response_sent
    record.released = max(request.keeper.clock() if sent is None else sent, record.requested)
    if not record.thread:
        _mark(around, record, "started")


def _marking_start(func: Any, around: Here, record: TaskRecord) -> Any:
    """Return what starts in its thread, perhaps after a wait for one."""

    def marking(*args: Any, **kwargs: Any) -> Any:
        tried(_mark, around, record, "started")
        return func(*args, **kwargs)

    # A proxy may answer every attribute with something of its own, which is no name.
    with suppress(TypeError):
        functools.update_wrapper(marking, func)
    return marking


def discard(request: Watched, records: list[TaskRecord]) -> None:
    """Take note of the tasks that have not run when their request is over.

    The response was never sent, or one before them has failed: that was their end.
    """
    over = [one.finished for one in records if one.finished is not None]
    failed = request.timeline.endpoint_end if request.timeline.error else max(over, default=None)
    failed = request.keeper.clock() if failed is None else failed
    for record in records:
        if record.started is None and record.outcome is None:
            record.finished = max(failed, record.requested)
            record.outcome = "discarded"
            if request.keeper.listeners:
                request.keeper.tell("finished", request.timeline, record)
            if request.keeper.crowded:
                request.keeper.task_ended(request.timeline)


def _mark(around: Here, record: TaskRecord, moment: str) -> None:
    keeper = around.request.keeper
    setattr(record, moment, keeper.clock())
    if keeper.listeners:
        keeper.tell(moment, around.request.timeline, record)
