"""The names that fastapi-tasks 0.1 has here."""

from __future__ import annotations

from .scheduler import TasksBatch, TasksScheduler
from .task import Task, TaskConfig, TaskErrorHandler

__all__ = ["Task", "TaskConfig", "TaskErrorHandler", "TasksBatch", "TasksScheduler"]
