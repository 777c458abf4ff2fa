"""What user code holds of a task, and a task's settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Generic, ParamSpec, Protocol, TypeAlias, TypeVar

import anyio

from .facts import Record
from .names import harmless
from .slots import check_limit, check_timeout
from .timeline import Outcome, TaskRecord

P = ParamSpec("P")
T = TypeVar("T")


class Running(Protocol):
    """The call behind a task."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    config: TaskConfig
    record: TaskRecord
    waiters: list[anyio.Event] | None

    @property
    def title(self) -> str:
        """The task in words."""


class Task(Generic[P, T]):
    """One scheduled call."""

    __slots__ = ("_running",)

    def __init__(self, running: Running) -> None:
        self._running = running

    @property
    def func(self) -> Callable[P, T]:
        """What is called."""
        return self._running.func

    @property
    def args(self) -> tuple[Any, ...]:
        """Its positional arguments; none once the task has ended."""
        return self._running.args

    @property
    def kwargs(self) -> dict[str, Any]:
        """Its keyword arguments; none once the task has ended."""
        return self._running.kwargs

    @property
    def config(self) -> TaskConfig:
        """Its settings, with the app's defaults filled in."""
        return self._running.config

    @property
    def name(self) -> str:
        """What timelines and logs call it."""
        return self._running.record.name

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, None until then."""
        return self._running.record.outcome

    @property
    def started(self) -> Started:
        """The moment when the function begins to run, to look at or to wait for."""
        return Started(self._running)

    def __repr__(self) -> str:
        record = self._running.record
        state = record.outcome or ("waiting" if record.started is None else "running")
        return f"<Task {self._running.title}: {state}>"


class Started:
    """Tells when a task has started, and waits for it."""

    __slots__ = ("_running",)

    def __init__(self, running: Running) -> None:
        self._running = running

    def is_set(self) -> bool:
        """Tell whether the task's function has begun to run."""
        return self._running.record.started is not None

    async def wait(self) -> None:
        """Return when the task's function begins to run, at once if it has.

        Raises RuntimeError if the task ends without having started.
        """
        running = self._running
        event = anyio.Event()
        running.waiters = [*(running.waiters or ()), event]
        if not self.is_set() and running.record.outcome is None:
            await event.wait()
        if not self.is_set():
            raise RuntimeError(
                f"task {harmless(running.record.name)} will never start: "
                f"it was {running.record.outcome}"
            )


TaskErrorHandler: TypeAlias = (
    Callable[[Task[..., Any], Exception], Any]
    | Callable[[Task[..., Any], Exception], Awaitable[Any]]
)
"""Called with the task and what it raised. A plain function runs in a worker thread."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TaskConfig(Record):
    """Settings of a task. None leaves a setting to the app's defaults.

    `name` is shown in timelines and logs; by default the function's own. `shield` keeps the task
    running beyond the grace period of a shutdown; by default it does not. `on_error` is called
    with the task and the exception when it raises one; by default failures are only logged.
    `timeout` is how many seconds the task may run, by default for ever; after that a coroutine is
    cancelled, and a function in its thread, which nothing can stop, is let go. `limit` is how many
    may run at once: a number, counted for each function, or an anyio CapacityLimiter, shared by all
    tasks that are given it. Raises TypeError for a setting of the wrong type, ValueError for a
    timeout that is not above 0 and finite or a limit below 1.
    """

    name: str | None = None
    shield: bool | None = None
    on_error: TaskErrorHandler | None = None
    timeout: float | None = None
    limit: int | anyio.CapacityLimiter | None = None

    def __post_init__(self) -> None:
        check_timeout(self.timeout)
        check_limit(self.limit)
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError(
                f"the name of a task is an object of type {type(self.name).__name__}, which no "
                "timeline could show: give a str"
            )
        if self.shield is not None and not isinstance(self.shield, bool):
            raise TypeError(
                f"shield is an object of type {type(self.shield).__name__}, which is neither: "
                "give True or False"
            )
        if self.on_error is not None and not callable(self.on_error):
            raise TypeError(
                f"on_error is an object of type {type(self.on_error).__name__}, which nobody could "
                "call when the task fails: give a function of the task and the exception"
            )

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in _SETTINGS))

    @property
    def shielded(self) -> bool:
        """Whether the task is shielded; unset counts as not."""
        return bool(self.shield)

    def merge(self, other: TaskConfig) -> TaskConfig:
        """Return this config with every setting that `other` has set taken from `other`."""
        settings = {
            name: value for name in _SETTINGS if (value := getattr(other, name)) is not None
        }
        return replace(self, **settings)


_SETTINGS = tuple(one.name for one in fields(TaskConfig))
DEFAULTS = TaskConfig()
