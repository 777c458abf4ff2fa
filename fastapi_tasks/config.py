"""The settings of a task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from .tasks import Task

TaskErrorHandler: TypeAlias = (
    "Callable[[Task[..., Any], Exception], Any]"
    " | Callable[[Task[..., Any], Exception], Awaitable[Any]]"
)
"""Called with the task and what it raised. A plain function runs in a worker thread."""


@dataclass(frozen=True, slots=True)
class TaskConfig:
    """Settings of a task. None leaves a setting to the app's defaults.

    `name` is shown in timelines and logs; by default the function's own. `shield` keeps the task
    running beyond the grace period of a shutdown; by default it does not. `on_error` is called
    with the task and the exception when it raises one; by default failures are only logged.
    """

    name: str | None = None
    shield: bool | None = None
    on_error: TaskErrorHandler | None = None

    @property
    def shielded(self) -> bool:
        """Whether the task is shielded; unset counts as not."""
        return bool(self.shield)

    def merge(self, other: TaskConfig) -> TaskConfig:
        """Return this config with every setting that `other` has set taken from `other`."""
        settings = {
            field: value
            for field in ("name", "shield", "on_error")
            if (value := getattr(other, field)) is not None
        }
        return replace(self, **settings)


DEFAULTS = TaskConfig()
