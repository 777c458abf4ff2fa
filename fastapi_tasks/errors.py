"""What this package raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .timeline import Timeline


class FastAPITasksError(Exception):
    """Base of all errors of this package."""


class FastAPITasksUninitializedAppError(FastAPITasksError):
    """Raised out of a request that asks for `Tasks` where no tasks can run."""


class LeftOpenError(FastAPITasksError, RuntimeError):
    """Raised for a task on trio that ended inside of a nursery or a cancel scope of its own."""


class RecordingError(FastAPITasksError, ValueError):
    """Raised for a recording that cannot be read. The message names the line.

    `line` is its number, from 1. `cut` says that the line has no end, as the last line of a
    recording that is still being written, or was cut off. `timelines` are those of the lines
    before it.
    """

    def __init__(
        self, message: str, line: int = 0, *, cut: bool = False, timelines: Sequence[Timeline] = ()
    ) -> None:
        super().__init__(message)
        self.line = line
        self.cut = cut
        self.timelines = list(timelines)
