"""What an endpoint asks for: its schedulers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection
from starlette.types import Scope

from .endpoint import at_close, mark_endpoint
from .errors import FastAPITasksUninitializedAppError
from .names import harmless
from .phases import Phases, phases_of
from .request import request_of
from .scheduler import TasksScheduler
from .shortcut import Shortcut


async def get_tasks(connection: HTTPConnection) -> TasksScheduler:
    """Give an endpoint its schedulers; the dependency behind `Tasks`, for overriding in tests."""
    scope = connection.scope
    tasks = _tasks_of(scope)
    mark_endpoint(scope, Shortcut(get_tasks, _tasks_of))
    return tasks


Tasks = Annotated[TasksScheduler, Depends(get_tasks, scope="request")]
"""What an endpoint or a dependency asks for: `async def endpoint(tasks: Tasks)`."""


def _tasks_of(scope: Scope) -> TasksScheduler:
    phases = _phases_of(scope)
    return TasksScheduler(phases, "immediate", phases.runtime.config)


def _phases_of(scope: Scope) -> Phases:
    request = request_of(scope)
    if request is None or request.host is None:
        path = harmless(f"{scope.get('method', 'WebSocket')} {scope['path']}")
        raise FastAPITasksUninitializedAppError(
            f"{path} asks for Tasks, but its app was not set up for them: "
            "call add_tasks(app) after making the app"
        )
    phases = phases_of(request)
    if phases is None:
        mounted = scope.get("root_path") != scope.get("app_root_path", scope.get("root_path"))
        request.host.enter(request, mounted=mounted)
        phases = phases_of(request)
        assert phases is not None
        at_close(scope, phases.route_passes)
    return phases
