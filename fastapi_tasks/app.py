"""Give an app its background tasks."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from .config import DEFAULTS, TaskConfig
from .errors import FastAPITasksError
from .layer import InnerLayer, OuterLayer
from .recorder import Recorder
from .runtime import Limits


def add_tasks(
    app: FastAPI,
    *,
    config: TaskConfig | None = None,
    recorder: Recorder | None = None,
    grace_period: float = 5.0,
    shutdown_timeout: float = 30.0,
    threads: int = 40,
) -> Recorder:
    """Let the endpoints of `app` schedule background tasks; return what records them.

    `config` holds defaults for all tasks; a task's own setting wins. `recorder` keeps the
    requests; by default a new one keeps the last 256. At shutdown tasks get `grace_period`
    seconds to finish, then unshielded ones are cancelled; `shutdown_timeout` seconds after the
    shutdown began, whatever still runs is abandoned. `threads` is how many `def` tasks run at
    once. Raises TypeError for what is not a FastAPI app, ValueError for a limit that is negative
    or not a number, FastAPITasksError when the app has its tasks already or has started.
    """
    if not isinstance(app, FastAPI):
        raise TypeError(
            f"add_tasks() got an object of type {type(app).__name__}, which has no endpoints to "
            "give tasks to: pass the FastAPI app, before wrapping it in other middlewares"
        )
    if hasattr(app.state, "tasks_recorder"):
        raise FastAPITasksError(
            "add_tasks() was called twice on one app, so each task would run in two places: "
            "call it once; its recorder is app.state.tasks_recorder"
        )
    if app.middleware_stack is not None:
        raise FastAPITasksError(
            "add_tasks() was called after the app had started, when its middlewares are already "
            "in place: call it right after making the app"
        )
    limits = Limits(grace_period, shutdown_timeout, threads)
    recorder = Recorder() if recorder is None else recorder
    app.state.tasks_recorder = recorder
    _put_layers(app, recorder, config or DEFAULTS, limits)
    return recorder


def _put_layers(app: FastAPI, recorder: Recorder, config: TaskConfig, limits: Limits) -> None:
    # add_middleware() can reach neither place: outside of the error handling, and inside of the
    # middlewares that are yet to be added.
    build = app.build_middleware_stack

    def build_with_layers() -> ASGIApp:
        middlewares = app.user_middleware
        if middlewares:
            app.user_middleware = [*middlewares, Middleware(InnerLayer)]
        try:
            return OuterLayer(build(), recorder, config, limits)
        finally:
            app.user_middleware = middlewares

    app.build_middleware_stack = build_with_layers  # type: ignore[method-assign]
