"""Background tasks for FastAPI with three timing modes, recorded as they really run."""

from __future__ import annotations

from .app import RecordingMiddleware, add_tasks, record, recorder_of
from .dependency import Tasks, get_tasks
from .keeper import Event
from .names import harmless
from .recorder import Recorder
from .recording import from_json, load, merge, save, to_json
from .request import timeline_of
from .task import Task, TaskConfig, TaskErrorHandler
from .timeline import Busy, ClientView, Mode, Outcome, Span, SpanKind, TaskRecord, Timeline
from .watch.framework import starlette_in

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
