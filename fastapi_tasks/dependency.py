"""What an endpoint asks for: its schedulers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection
from starlette.types import Scope

from .endpoint import watch_endpoint
from .errors import FastAPITasksUninitializedAppError
from .phases import IMMEDIATE
from .request import SCOPE_KEY, Request
from .scheduler import TasksScheduler


async def get_tasks(connection: HTTPConnection) -> TasksScheduler:
    """Give an endpoint its schedulers; the dependency behind `Tasks`, for overriding in tests."""
    tasks = _tasks_of(connection.scope)
    watch_endpoint(connection.scope, get_tasks, _tasks_of)
    return tasks


Tasks = Annotated[TasksScheduler, Depends(get_tasks, scope="request")]
"""What an endpoint or a dependency asks for: `async def endpoint(tasks: Tasks)`."""


def _tasks_of(scope: Scope) -> TasksScheduler:
    request = scope.get(SCOPE_KEY)
    if not isinstance(request, Request) or request.runtime is None:
        raise FastAPITasksUninitializedAppError(_explain(scope, request))
    if request.passed is None:
        request.enter()
        if scope["type"] == "websocket":
            scope["fastapi_inner_astack"].callback(request.route_passes)
    tasks = TasksScheduler()
    tasks._phases = request
    tasks._phase = IMMEDIATE
    tasks._config = request.runtime.config
    return tasks


def _explain(scope: Scope, found: object) -> str:
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
