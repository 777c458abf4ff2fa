"""Have an app recorded that knows nothing of it, whatever kind of ASGI app it is."""

from __future__ import annotations

from starlette.types import ASGIApp

from fastapi_tasks import Recorder, RecordingMiddleware, record, recorder_of, starlette_in


def recorded(app: ASGIApp, *, watch: bool) -> tuple[ASGIApp, Recorder]:
    """Return what to serve in the app's place, and what records it.

    An app that is recorded already keeps its recorder, and is watched as well if `watch` says so.
    """
    recorder = recorder_of(app)
    if recorder is not None:
        recorder.watching |= watch
        return app, recorder
    recorder = Recorder()
    inside = starlette_in(app) if watch else None
    # Only there are its middlewares seen; once it has started they are in place.
    if inside is not None and inside.middleware_stack is None:
        record(inside, recorder=recorder, watch=watch)
        if inside is app:
            return app, recorder
    return RecordingMiddleware(app, recorder, watch=watch), recorder
