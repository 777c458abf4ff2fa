"""The moment when a task's function begins to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from .tasks import Task


class Started:
    """Tells when a task has started, and waits for it."""

    __slots__ = ("_task",)

    def __init__(self, task: Task[..., Any]) -> None:
        self._task = task

    def is_set(self) -> bool:
        """Tell whether the task's function has begun to run."""
        return self._task.record.started is not None

    async def wait(self) -> None:
        """Return when the task's function begins to run, at once if it has.

        Raises RuntimeError if the task ends without having started.
        """
        task = self._task
        event = anyio.Event()
        task.waiters = [*(task.waiters or ()), event]
        if not self.is_set() and task.record.outcome is None:
            await event.wait()
        if not self.is_set():
            raise RuntimeError(
                f"task {task.record.name} will never start: it was {task.record.outcome}"
            )
