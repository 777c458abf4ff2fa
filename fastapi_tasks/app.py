"""Give an app its background tasks, or record one that has none."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import FastAPITasksError
from .host import Host
from .layers import InnerLayer, Layer, Opening, around
from .limits import Limits
from .log import log
from .recorder import Recorder, keeper_of
from .routes import starlette_in
from .task import DEFAULTS, TaskConfig
from .watch.watch import Watch

_RECORDER = "tasks_recorder"
_TWICE = (
    "{name}() was called on an app that is recorded already, so all would happen in two places: "
    "call add_tasks() or record(), and once; the recorder is {where}"
)


def add_tasks(
    app: FastAPI,
    *,
    config: TaskConfig | None = None,
    recorder: Recorder | None = None,
    grace_period: float = 5.0,
    shutdown_timeout: float = 25.0,
    threads: int = 40,
    watch: bool = False,
) -> Recorder:
    """Let the endpoints of `app` schedule background tasks; return what records them.

    `config` holds defaults for all tasks; a task's own setting wins. `recorder` keeps the
    requests; by default a new one keeps the last 256. At shutdown tasks get `grace_period`
    seconds to finish, then unshielded ones are cancelled; `shutdown_timeout` seconds after the
    shutdown began, whatever still runs is abandoned: keep it below what the platform grants the
    process. `threads` is how many `def` tasks run at once. `watch` also records what the app does
    without `Tasks`: middlewares, dependencies, BackgroundTasks, created tasks, statements, calls;
    it switches `recorder.watching` on. Raises TypeError for anything but a FastAPI app, ValueError
    for a limit out of range, FastAPITasksError when the app is recorded already or has started.
    """
    if not isinstance(app, FastAPI):
        raise TypeError(
            f"add_tasks() got an object of type {type(app).__name__}, and only FastAPI gives "
            "endpoints what they ask for: pass the FastAPI app itself, before wrapping it; in an "
            "app of another kind mount a FastAPI app, and call add_tasks() on that; record() "
            "records any app, without tasks"
        )
    _check(app, "add_tasks")
    _warn_of_namesake()
    recorder = Recorder() if recorder is None else recorder
    keeper = keeper_of(recorder)
    limits = Limits(grace_period, shutdown_timeout, threads)
    keeper.watching |= watch
    watching = Watch(app, keeper)
    host = Host(keeper, config or DEFAULTS, limits, watching.start)
    app.router.lifespan_context = host.around(app.router.lifespan_context)
    _put_layers(app, recorder, Opening(keeper, watching, host))
    return recorder


def record(app: Any, *, recorder: Recorder | None = None, watch: bool = False) -> Recorder:
    """Record the requests of any ASGI app that uses no `Tasks`; go on serving the app itself.

    `recorder` keeps them; by default a new one keeps the last 256. `watch` also records what the
    app does within them, as with add_tasks(); only a FastAPI app has FastAPI's own steps. Raises
    TypeError for an app whose calls cannot be intercepted, such as a function: wrap that in a
    `RecordingMiddleware`; FastAPITasksError when the app is recorded already, or is a Starlette or
    FastAPI app that has started.
    """
    if isinstance(app, Starlette):
        _check(app, "record")
    elif recorder_of(app) is not None:
        raise FastAPITasksError(_TWICE.format(name="record", where="recorder_of(app)"))
    recorder = Recorder() if recorder is None else recorder
    keeper = keeper_of(recorder)
    keeper.watching |= watch
    inside = starlette_in(app)
    if inside is not app:
        _stand_before(app, recorder)
    # Once it has started its middlewares are in place.
    if inside is not None and inside.middleware_stack is None:
        _put_layers(inside, recorder, Opening(keeper, Watch(inside, keeper)))
    return recorder


class RecordingMiddleware:
    """Record the requests of the ASGI app that this wraps; put it around everything else.

    `recorder` keeps them; by default a new one keeps the last 256. `watch` also records what the
    app does within them; only record() and add_tasks() give its middlewares spans.
    """

    def __init__(
        self, app: ASGIApp, recorder: Recorder | None = None, *, watch: bool = False
    ) -> None:
        self.app = app
        self.recorder = Recorder() if recorder is None else recorder
        keeper = keeper_of(self.recorder)
        keeper.watching |= watch
        self._layer = Layer(app, Opening(keeper, Watch(app, keeper)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._layer(scope, receive, send)


def recorder_of(app: Any) -> Recorder | None:
    """Return the recorder of an app, or of the app that it wraps; None where it has none."""
    while app is not None:
        places = (app, "recorder"), (app, _RECORDER), (getattr(app, "state", None), _RECORDER)
        for holder, name in places:
            found = getattr(holder, name, None)
            if isinstance(found, Recorder):
                return found
        app = getattr(app, "app", None)
    return None


def _check(app: Starlette, name: str) -> None:
    if hasattr(app.state, "tasks_recorder"):
        raise FastAPITasksError(_TWICE.format(name=name, where="app.state.tasks_recorder"))
    if app.middleware_stack is not None:
        raise FastAPITasksError(
            f"{name}() was called after the app had started, when its middlewares are already "
            "in place: call it right after making the app"
        )


def _warn_of_namesake() -> None:
    try:
        version = distribution("fastapi-tasks").version
    except PackageNotFoundError:
        return
    log.warning(
        "the distribution fastapi-tasks %s is installed beside this one, and both own the import "
        "name fastapi_tasks, so each overwrites files of the other: uninstall both, then install "
        "fastapi-tasks-timeline, which runs the other's code unchanged",
        version,
    )


def _put_layers(app: Starlette, recorder: Recorder, opening: Opening) -> None:
    # add_middleware() can reach neither place: outside of the error handling, and inside of the
    # middlewares that are yet to be added.
    app.state.tasks_recorder = recorder
    earlier = vars(app).get("build_middleware_stack")
    inner = Middleware(_inner, app)

    def build_with_layers() -> ASGIApp:
        middlewares = app.user_middleware
        spans: AbstractContextManager[None] = nullcontext()
        if keeper_of(recorder).watching:
            from .watch.middlewares import with_spans  # most apps do without

            spans = with_spans(middlewares)
        with spans:
            middlewares.append(inner)
            try:
                # Looked up only now: tools replace the class's own method at any time.
                stack = earlier() if earlier else type(app).build_middleware_stack(app)
            finally:
                # What a tool has put in while the stack was built stays.
                middlewares[:] = [one for one in middlewares if one is not inner]
        return around(stack, opening)

    app.build_middleware_stack = build_with_layers  # type: ignore[method-assign]
    app.router.middleware_stack = Layer(app.router.middleware_stack, opening, app)  # type: ignore[assignment]


def _stand_before(app: Any, recorder: Recorder) -> None:
    """Let each call of this object go through a layer.

    A call is looked up in the object's class: so it gets one of its own, which adds nothing else.
    """
    kind = type(app)
    keeper = keeper_of(recorder)
    opening = Opening(keeper, Watch(app, keeper))

    async def call(self: Any, scope: Scope, receive: Receive, send: Send) -> None:
        # Not always of this one object: somebody may copy it.
        await Layer(partial(kind.__call__, self), opening)(scope, receive, send)

    shown = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    own = {"__slots__": (), "__doc__": kind.__doc__, "__call__": call, _RECORDER: recorder}
    try:
        app.__class__ = type(kind.__name__, (kind,), {**shown, **own})
    except TypeError as error:
        raise TypeError(
            f"record() got an object of type {kind.__name__}, whose calls nobody can come between: "
            "serve RecordingMiddleware(app) in its place"
        ) from error


def _inner(inside: ASGIApp, app: Starlette) -> ASGIApp:
    """Make the inner layer, where there is a middleware that it must stand inside of."""
    return InnerLayer(inside) if len(app.user_middleware) > 1 else inside
