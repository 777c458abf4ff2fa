"""Background tasks for FastAPI with three timing modes, recorded as they really run."""

from __future__ import annotations

from .app import add_tasks
from .config import TaskConfig, TaskErrorHandler
from .dependency import Tasks, get_tasks
from .recorder import Event, Recorder
from .recording import from_json, load, merge, save, to_json
from .tasks import Task
from .timeline import Busy, ClientView, Mode, Outcome, TaskRecord, Timeline

__all__ = [
    "Busy",
    "ClientView",
    "Event",
    "Mode",
    "Outcome",
    "Recorder",
    "Task",
    "TaskConfig",
    "TaskErrorHandler",
    "TaskRecord",
    "Tasks",
    "Timeline",
    "add_tasks",
    "from_json",
    "get_tasks",
    "load",
    "merge",
    "save",
    "to_json",
]
