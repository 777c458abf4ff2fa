"""Background tasks for FastAPI with three timing modes, recorded as they really run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .app import RecordingMiddleware, add_tasks, record, recorder_of
from .dependency import Tasks, get_tasks
from .keeper import Event
from .names import harmless
from .recorder import Recorder
from .request import timeline_of
from .routes import starlette_in
from .task import Task, TaskConfig, TaskErrorHandler
from .timeline import Busy, ClientView, Mode, Outcome, Span, SpanKind, TaskRecord, Timeline

if TYPE_CHECKING:
    from .recording import from_json, load, merge, save, to_json
else:

    def __getattr__(name: str) -> object:
        # An app that only records need not load what reads and writes recordings.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import recording

        return getattr(recording, name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__version__ = "0.1.0"

__all__ = [
    "Busy",
    "ClientView",
    "Event",
    "Mode",
    "Outcome",
    "Recorder",
    "RecordingMiddleware",
    "Span",
    "SpanKind",
    "Task",
    "TaskConfig",
    "TaskErrorHandler",
    "TaskRecord",
    "Tasks",
    "Timeline",
    "__version__",
    "add_tasks",
    "from_json",
    "get_tasks",
    "harmless",
    "load",
    "merge",
    "record",
    "recorder_of",
    "save",
    "starlette_in",
    "timeline_of",
    "to_json",
]
