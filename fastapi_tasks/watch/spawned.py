"""Tasks that user code starts by `asyncio.create_task` or in a task group: mode `spawned`."""

from __future__ import annotations

import asyncio
import asyncio.base_events
import sys
import threading
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from ..callables import display_name
from ..keeper import Keeper
from ..names import name_of
from ..steps import Beat, Owner, Steps, steps_of
from ..timeline import TaskRecord
from .frames import is_started_by_app
from .here import Here, here

_LIBRARY = __name__.partition(".")[0]
_MAKERS = {__file__, asyncio.base_events.__file__}
_ANYIOS = "TaskHandle._run_coro"


def install() -> None:
    """Watch the tasks of the running loop, beside whatever makes them now.

    On trio there is nothing to watch by: its instruments see every task, and pay for each step.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    before = loop.get_task_factory()
    if getattr(before, "watches_for_fastapi_tasks", False):
        return
    factory = _factory(before)
    factory.watches_for_fastapi_tasks = True
    loop.set_task_factory(factory)


def _factory(before: Any) -> Any:
    eager = getattr(asyncio, "eager_task_factory", None)
    if before is not None and getattr(before, "__code__", None) is getattr(eager, "__code__", 0):
        # Wrapped in a function, AnyIO would not know it for what it is. It may make tasks of a
        # class of the app's.
        constructor = before.__closure__[0].cell_contents

        def make(coroutine: Any, **options: Any) -> asyncio.Task[Any]:
            task: asyncio.Task[Any] = constructor(_watched(coroutine, options), **options)
            return task

        return asyncio.create_eager_task_factory(make)  # type: ignore[attr-defined]

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
        watched = _watched(coroutine, options)
        if before is None:
            task: asyncio.Task[Any] = asyncio.Task(watched, loop=loop, **options)
            _show_who_made(task)
            return task
        return before(loop, watched, **options)

    return factory


def _show_who_made(task: Any) -> None:
    """Let a task tell where the app made it, in asyncio's debug mode, as without a factory."""
    stack = getattr(task, "_source_traceback", None)
    while stack and stack[-1].filename in _MAKERS:
        del stack[-1]


def _watched(coroutine: Any, options: dict[str, Any]) -> Any:
    context = options.get("context")
    around: Here | None = here.get() if context is None else context.get(here)
    # One that is watched already has come by a factory of the app's own, around this one.
    if around is None or not isinstance(coroutine, Coroutine) or type(coroutine) is Spawned:
        return coroutine
    # The loop itself closes asynchronous generators that nobody holds any longer.
    if type(coroutine).__name__ == "async_generator_athrow":
        return coroutine
    child = _child(coroutine)
    if not is_started_by_app(child, sys._getframe(2)):
        return coroutine
    return Spawned(coroutine, around, _name(child))


def _child(coroutine: Any) -> Any:
    """Return the coroutine of a task group's child, which AnyIO runs in one of its own.

    The name that the app may have given to the child is none to record: it may be made of data.
    """
    if getattr(coroutine, "__qualname__", "") == _ANYIOS:
        return getattr(coroutine.cr_frame.f_locals.get("self"), "coro", coroutine)
    return coroutine


def _name(coroutine: Any) -> str:
    name: str = getattr(coroutine, "__qualname__", type(coroutine).__qualname__)
    inside = _behind(coroutine)
    return name.rpartition("<locals>.")[2] if inside is None else f"{inside}.__call__"


def _behind(coroutine: Any) -> str | None:
    """Name the class that the app itself calls, where a layer of the library stands before it.

    So it does around each middleware, and one of the app's may run what is inside of it as a task.
    """
    frame = getattr(coroutine, "cr_frame", None)
    one: Any = None if frame is None else frame.f_locals.get("self")
    if not _is_layer(one):
        return None
    while _is_layer(one):
        one = one.app
    return display_name(type(one))


def _is_layer(one: Any) -> bool:
    return type(one).__module__.partition(".")[0] == _LIBRARY and hasattr(one, "app")


class Spawned(Coroutine[Any, Any, Any], Owner):
    """Stands for a coroutine, and records when its task starts and ends."""

    dropped = False

    def __init__(self, coroutine: Coroutine[Any, Any, Any], around: Here, name: str) -> None:
        self._coroutine = coroutine
        self._around = around
        self.keeper: Keeper = around.request.keeper
        keeper, timeline = self.keeper, around.request.timeline
        now = keeper.clock()
        record = TaskRecord(name, "spawned", now, now, parent=around.task)
        self._record = record
        self._unseen = self.beat is None
        self._steps: Coroutine[Any, Any, Any] | Steps = steps_of(coroutine, self)
        keeper.add_task(timeline, record)
        self._tell("requested")

    def send(self, value: Any) -> Any:
        """Resume the coroutine for one step."""
        if self._unseen:
            self._look_again()
        return self._step(self._steps.send, value)

    def throw(self, *error: Any) -> Any:
        """Resume the coroutine for one step, with an exception."""
        try:
            return self._step(self._steps.throw, *error)
        finally:
            # Its traceback holds this frame: together they would wait for the garbage collector.
            del error

    def close(self) -> None:
        """Close the coroutine; it ends as cancelled where it has not."""
        self._coroutine.close()
        self._end("cancelled")

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()

    def __getattr__(self, name: str) -> Any:
        # Its name, its frame, its code, what it awaits.
        return getattr(self._coroutine, name)

    def _look_again(self) -> None:
        # What a lifespan starts begins before somebody looks at the loop, and goes on meanwhile.
        if self.beat is not None:
            self._unseen = False
            self._steps = steps_of(self._coroutine, self)

    @property
    def beat(self) -> Beat | None:
        """What is told of each step; None where nobody watches the loop from outside."""
        return self.keeper.loops.beat_of(threading.get_ident())

    def _step(self, resume: Callable[..., Any], *values: Any) -> Any:
        if self._record.started is None:
            self._begin()
        try:
            return resume(*values)
        except StopIteration:
            self._end("ok")
            raise
        except asyncio.CancelledError:
            self._end("cancelled")
            raise
        except BaseException as error:
            self._record.error = name_of(type(error))
            self._end("error")
            raise
        finally:
            del values  # as in throw()

    def _begin(self) -> None:
        # Not in the frame of a step: where that fails, the task would hold itself by its error.
        record, request = self._record, self._around.request
        record.started = self.keeper.clock()
        here.set(Here(request, record.id))
        self._tell("started")

    def held_loop(self, begun: int, ended: int) -> None:
        """Record that one step of this task held the event loop."""
        request = self._around.request
        self.keeper.loops.by_step(request, begun, ended, self._record)

    def _end(self, outcome: Any) -> None:
        record = self._record
        if record.outcome is None:
            record.finished = self.keeper.clock()
            record.outcome = outcome
            # They hold this object: let go, both are freed without the garbage collector.
            self._steps, self._unseen = self._coroutine, False
            self._tell("finished")
            if self.keeper.crowded:
                self.keeper.task_ended(self._around.request.timeline)

    def _tell(self, moment: str) -> None:
        request = self._around.request
        if self.keeper.listeners:
            self.keeper.tell(moment, request.timeline, self._record)
