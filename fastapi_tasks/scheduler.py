"""What an endpoint holds: three schedulers with the same two methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ParamSpec, TypeVar

from fastapi import Depends
from fastapi.requests import HTTPConnection

from .callables import display_name
from .config import DEFAULTS, TaskConfig, TaskErrorHandler
from .errors import FastAPITasksError, FastAPITasksUninitializedAppError
from .phases import AFTER_RESPONSE, AFTER_ROUTE, IMMEDIATE, Phases
from .tasks import Task
from .timeline import MODES

P = ParamSpec("P")
T = TypeVar("T")

SCOPE_KEY = "fastapi_tasks"


class TasksBatch:
    """Schedule tasks of one mode."""

    __slots__ = ("_config", "_phase", "_phases")

    def __init__(self, phases: Phases, phase: int, config: TaskConfig = DEFAULTS) -> None:
        self._phases = phases
        self._phase = phase
        self._config = config

    def schedule(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Task[P, T]:
        """Call `func` in the background, at the time that this scheduler's mode names.

        A coroutine function runs on the event loop, any other callable in a worker thread; what
        that returns is awaited if it is awaitable. May be called from any thread, and never
        blocks. Raises TypeError, and schedules nothing, for what cannot be called, a generator
        function, a coroutine object, or arguments that do not fit; FastAPITasksError when the app
        has shut down.
        """
        phases = self._phases
        runtime = phases.runtime
        if runtime.closed:
            raise FastAPITasksError(
                f"task {display_name(func)} of {phases.title} was scheduled after the app shut "
                "down, so nothing can run it: end what schedules tasks before the shutdown"
            )
        config = runtime.config
        if self._config is not DEFAULTS:
            config = config.merge(self._config)
        task = Task(func, args, kwargs, config, MODES[self._phase], phases)
        phases.schedule(task, self._phase)
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
        return TasksBatch(self._phases, self._phase, self._config.merge(own))


class TasksScheduler(TasksBatch):
    """Schedule tasks that are released at once, or with `after_route`, `after_response` later."""

    __slots__ = ()

    def __init__(self, phases: Phases) -> None:
        self._phases = phases
        self._phase = IMMEDIATE
        self._config = DEFAULTS

    @property
    def after_route(self) -> TasksBatch:
        """Schedule tasks for when the endpoint has returned, before the response starts."""
        return TasksBatch(self._phases, AFTER_ROUTE)

    @property
    def after_response(self) -> TasksBatch:
        """Schedule tasks for when the response has been sent."""
        return TasksBatch(self._phases, AFTER_RESPONSE)


async def get_tasks(connection: HTTPConnection) -> TasksScheduler:
    """Give an endpoint its schedulers; the dependency behind `Tasks`, for overriding in tests."""
    scope = connection.scope
    phases = scope.get(SCOPE_KEY)
    if not isinstance(phases, Phases) or phases.runtime is None:
        raise FastAPITasksUninitializedAppError(_explain(scope, phases))
    phases.enter_endpoint(scope["fastapi_function_astack"], scope["fastapi_inner_astack"])
    return TasksScheduler(phases)


Tasks = Annotated[TasksScheduler, Depends(get_tasks)]
"""What an endpoint or a dependency asks for: `async def endpoint(tasks: Tasks)`."""


def _explain(scope: Any, found: object) -> str:
    path = f"{scope.get('method', 'WebSocket')} {scope['path']}"
    if found is None:
        return (
            f"{path} asks for Tasks, but its app was not set up for them: "
            "call add_tasks(app) after making the app"
        )
    if scope.get("root_path") != scope.get("app_root_path", ""):
        return (
            f"{path} asks for Tasks in a mounted app whose lifespan never runs, so its tasks would "
            "have nobody to end them: call add_tasks on the app that it is mounted in"
        )
    return (
        f"{path} asks for Tasks, but the app's lifespan is not running, so its tasks would have "
        "nobody to end them: start the server with its lifespan on; in tests use "
        "`with TestClient(app)`, or a lifespan manager around httpx.ASGITransport"
    )
