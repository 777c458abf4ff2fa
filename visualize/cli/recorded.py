"""Have an app recorded that knows nothing of it, whatever kind of ASGI app it is."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from fastapi_tasks import Recorder, RecordingMiddleware, record, recorder_of
from fastapi_tasks.errors import FastAPITasksError

from .errors import CommandError


def recorded(app: ASGIApp, *, watch: bool) -> tuple[ASGIApp, Recorder]:
    """Return what to serve in the app's place, and what records it.

    An app that is recorded already keeps its recorder. Raises CommandError where nothing can be
    put around it any more.
    """
    recorder = recorder_of(app)
    if recorder is not None:
        # Whoever records it may have chosen to watch it.
        recorder.watching |= watch
        return app, recorder
    recorder = Recorder()
    inside = starlette_in(app)
    try:
        if inside is not None:
            # Only there are its middlewares and its errors seen.
            record(inside, recorder=recorder, watch=watch)
    except FastAPITasksError as error:
        raise CommandError(f"the app cannot be recorded: {error}") from None
    if inside is not app:
        app = RecordingMiddleware(app, recorder, watch=watch)
    return app, recorder


def starlette_in(app: Any) -> Starlette | None:
    """Return the Starlette or FastAPI app itself, of one that others may be wrapped around."""
    while app is not None:
        if isinstance(app, Starlette):
            return app
        app = getattr(app, "app", None)
    return None
