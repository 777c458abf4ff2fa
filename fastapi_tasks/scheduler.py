"""What an endpoint holds: three schedulers with the same two methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import anyio

from .task import Task, TaskConfig, TaskErrorHandler
from .timeline import Mode

if TYPE_CHECKING:
    from .phases import Phases

P = ParamSpec("P")
T = TypeVar("T")


class TasksBatch:
    """Schedule tasks of one mode."""

    __slots__ = ("_config", "_mode", "_phases")

    def __init__(self, phases: Phases, mode: Mode, config: TaskConfig) -> None:
        self._phases = phases
        self._mode: Mode = mode
        self._config = config

    def schedule(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Task[P, T]:
        """Call `func` in the background, when this scheduler's mode says.

        A coroutine function runs on the event loop, any other callable in a worker thread; what
        that returns is awaited if it is awaitable. May be called from any thread, and never
        blocks. Raises TypeError, and schedules nothing, for what cannot be called, a generator
        function, a coroutine object, or arguments that do not fit; FastAPITasksError when the app
        has shut down.
        """
        task: Any = self._phases.schedule(func, args, kwargs, self._config, self._mode)
        return task  # type: ignore[no-any-return]

    def task(
        self,
        *,
        name: str | None = None,
        shield: bool | None = None,
        on_error: TaskErrorHandler | None = None,
        timeout: float | None = None,
        limit: int | anyio.CapacityLimiter | None = None,
    ) -> TasksBatch:
        """Return a scheduler like this one with other settings; None keeps the setting it has.

        `name` is shown in timelines and logs, `shield` keeps a task running beyond the grace
        period of a shutdown, `on_error` is called with the task and what it raised. `timeout` is
        how many seconds it may run, `limit` how many may run at once: a number, counted for each
        function, or an anyio CapacityLimiter. Raises what TaskConfig does.
        """
        own = TaskConfig(name, shield, on_error, timeout, limit)
        return TasksBatch(self._phases, self._mode, self._config.merge(own))


class TasksScheduler(TasksBatch):
    """Schedule tasks that are released at once; `after_route` and `after_response` do so later."""

    __slots__ = ()

    @property
    def after_route(self) -> TasksBatch:
        """Schedule tasks for when the endpoint has returned, before the response starts."""
        return TasksBatch(self._phases, "after_route", self._config)

    @property
    def after_response(self) -> TasksBatch:
        """Schedule tasks for when the response has been sent."""
        return TasksBatch(self._phases, "after_response", self._config)
