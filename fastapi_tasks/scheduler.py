"""What an endpoint holds: three schedulers with the same two methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from .callables import display_name
from .config import TaskConfig, TaskErrorHandler
from .errors import FastAPITasksError
from .phases import AFTER_RESPONSE, AFTER_ROUTE, Phases
from .tasks import Task
from .timeline import MODES

P = ParamSpec("P")
T = TypeVar("T")


class TasksBatch:
    """Schedule tasks of one mode."""

    # No __init__: made several times a request, this is made in half the time.

    __slots__ = ("_config", "_phase", "_phases")

    _phases: Phases
    _phase: int
    _config: TaskConfig

    def schedule(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Task[P, T]:
        """Call `func` in the background, at the time that this scheduler's mode names.

        A coroutine function runs on the event loop, any other callable in a worker thread; what
        that returns is awaited if it is awaitable. May be called from any thread, and never
        blocks. Raises TypeError, and schedules nothing, for what cannot be called, a generator
        function, a coroutine object, or arguments that do not fit; FastAPITasksError when the app
        has shut down.
        """
        phases, phase = self._phases, self._phase
        if phases.runtime.closed:
            raise FastAPITasksError(
                f"task {display_name(func)} of {phases.title} was scheduled after the app "
                "shut down, so nothing can run it: end what schedules tasks before the shutdown"
            )
        task: Task[P, T] = Task()
        task.prepare(func, args, kwargs, self._config, MODES[phase], phases)
        phases.schedule(task, phase)
        return task

    def task(
        self,
        *,
        name: str | None = None,
        shield: bool | None = None,
        on_error: TaskErrorHandler | None = None,
    ) -> TasksBatch:
        """Return this scheduler with settings of its own; None keeps the one it has.

        `name` is shown in timelines and logs, `shield` keeps a task running beyond the grace
        period of a shutdown, `on_error` is called with the task and what it raised.
        """
        own = TaskConfig(name, shield, on_error)
        return _batch(self._phases, self._phase, self._config.merge(own))


class TasksScheduler(TasksBatch):
    """Schedule tasks that are released at once, or with `after_route`, `after_response` later."""

    __slots__ = ()

    @property
    def after_route(self) -> TasksBatch:
        """Schedule tasks for when the endpoint has returned, before the response starts."""
        return _batch(self._phases, AFTER_ROUTE, self._config)

    @property
    def after_response(self) -> TasksBatch:
        """Schedule tasks for when the response has been sent."""
        return _batch(self._phases, AFTER_RESPONSE, self._config)


def _batch(phases: Phases, phase: int, config: TaskConfig) -> TasksBatch:
    batch = TasksBatch()
    batch._phases = phases
    batch._phase = phase
    batch._config = config
    return batch
