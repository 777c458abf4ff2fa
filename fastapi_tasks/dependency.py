"""What an endpoint asks for: its schedulers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection
from starlette.types import Scope

from .endpoint import at_close, mark_endpoint
from .errors import FastAPITasksUninitializedAppError
from .names import harmless
from .request import Request, request_of
from .scheduler import TasksScheduler
from .shortcut import Shortcut

if TYPE_CHECKING:
    from .phases import Phases


async def get_tasks(connection: HTTPConnection) -> TasksScheduler:
    """Give an endpoint its schedulers; the dependency behind `Tasks`, for overriding in tests."""
    scope = connection.scope
    tasks = _tasks_of(request_of(scope), scope)
    mark_endpoint(scope, partial(Shortcut, get_tasks, _tasks_of))
    return tasks


Tasks = Annotated[TasksScheduler, Depends(get_tasks, scope="request")]
"""What an endpoint or a dependency asks for: `async def endpoint(tasks: Tasks)`."""


def _tasks_of(request: Request | None, scope: Scope) -> TasksScheduler:
    if request is None or request.host is None:
        path = harmless(f"{scope.get('method', 'WebSocket')} {scope['path']}")
        raise FastAPITasksUninitializedAppError(
            f"{path} asks for Tasks, but its app was not set up for them: "
            "call add_tasks(app) after making the app"
        )
    phases: Phases | None = request.waiting
    if phases is None:
        phases = request.host.enter(request, scope)
        at_close(scope, phases)
    return TasksScheduler(phases, "immediate", phases.runtime.config)
