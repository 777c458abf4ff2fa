"""Keeps the timelines of an app: what its user sees."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import anyio

from .bounds import Bounds
from .keeper import Keeper, Listener
from .names import harmless
from .timeline import Timeline


class Recorder:
    """Record the requests of an app.

    `maxlen` is how many requests are kept, the latest ones; `max_tasks`, `max_spans` and `max_busy`
    how many tasks, spans and busy segments of each, again the latest. `busy_threshold` is how many
    seconds a step may hold the event loop before it is recorded; math.inf records none. `enabled`
    can be switched at any time; requests that begin while it is off are not recorded. `clock`
    returns nanoseconds of a clock that never goes back, by default `time.perf_counter_ns`; `wall`
    returns nanoseconds since the epoch. Raises ValueError for a limit that is negative or not a
    number.
    """

    def __init__(
        self,
        *,
        maxlen: int = 256,
        max_tasks: int = 1000,
        max_spans: int = 1000,
        max_busy: int = 250,
        busy_threshold: float = 0.02,
        enabled: bool = True,
        clock: Callable[[], int] | None = None,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        if not busy_threshold >= 0:
            raise ValueError(
                f"busy_threshold is {busy_threshold!r}: give seconds, 0 or more; "
                "math.inf records no busy segments"
            )
        # Whole nanoseconds, which compare faster; infinity has none.
        nanoseconds = busy_threshold * 1e9
        limit = nanoseconds if math.isinf(nanoseconds) else round(nanoseconds)
        # Looked up now: somebody may have put a better one in its place, as the lab in a browser.
        clock = time.perf_counter_ns if clock is None else clock
        self._keeper = Keeper(Bounds(maxlen, max_tasks, max_spans, max_busy), limit, clock, wall)
        self.enabled = enabled

    @property
    def enabled(self) -> bool:
        """Whether requests are recorded. One that begins while it is off never is."""
        return self._keeper.enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        self._keeper.enabled = enabled

    @property
    def watching(self) -> bool:
        """Whether what an app does without `Tasks` is recorded too, as by `add_tasks(watch=True)`.

        Switch it on before the app starts: later, its middlewares have no spans.
        """
        return self._keeper.watching

    @watching.setter
    def watching(self, watching: bool) -> None:
        self._keeper.watching = watching

    @property
    def clock(self) -> Callable[[], int]:
        """What returns the nanoseconds that the timelines hold."""
        return self._keeper.clock

    @property
    def timelines(self) -> list[Timeline]:
        """The requests that are kept, in the order of their start.

        If the app is watched and its lifespan starts work, a timeline of that is among them.
        """
        keeper = self._keeper
        if not keeper.apart:
            return list(keeper.kept)
        return sorted([*keeper.apart, *keeper.kept], key=lambda timeline: timeline.request_start)

    @property
    def last(self) -> Timeline | None:
        """The request that started last, or None."""
        kept = self._keeper.kept
        return kept[-1] if kept else None

    @property
    def maxlen(self) -> int:
        """How many requests are kept."""
        return self._keeper.bounds.requests

    @property
    def dropped(self) -> int:
        """How many requests were let go to make room, since the start or the last `clear()`."""
        return self._keeper.dropped

    @property
    def open(self) -> list[str]:
        """The requests and tasks that have not ended, in words."""
        return self._keeper.open_titles()

    def clear(self) -> None:
        """Forget the recorded requests. Those still open go on, unrecorded."""
        self._keeper.clear()

    def ignore(self, path: str) -> None:
        """Neither record nor wait for requests to this path, or to any path below it.

        Raises ValueError for a path that does not begin with a slash, or is nothing but one.
        """
        prefix = path.rstrip("/")
        if not prefix.startswith("/"):
            raise ValueError(
                f"ignore() got the path {path!r}, below which no request can be left out: give one "
                'that begins with a slash, such as "/health"'
            )
        self._keeper.ignored = (*self._keeper.ignored, prefix)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every Event as it happens; return a function that ends this.

        It is called where things happen, also in worker threads, and must not block. One that
        raises is logged and no longer called.
        """
        keeper = self._keeper
        keeper.listeners = (*keeper.listeners, listener)

        def unsubscribe() -> None:
            keeper.listeners = tuple(one for one in keeper.listeners if one is not listener)

        return unsubscribe

    async def settled(
        self,
        timeout: float | None = None,  # noqa: ASYNC109
        *,
        of: Timeline | None = None,
    ) -> None:
        """Return when every request is answered and every task has ended.

        `timeout` is in seconds; None waits as long as it takes. `of` waits for one request alone.
        Raises TimeoutError, naming what is still open.
        """
        with anyio.move_on_after(timeout):
            await self._keeper.settling.until(self._ready(of))
            return
        raise TimeoutError(self._still_open(timeout, of))

    def wait_settled(self, timeout: float | None = None, *, of: Timeline | None = None) -> None:
        """Do what `settled` does, for code that is not async; in a thread that runs no event loop.

        Raises TimeoutError as `settled` does.
        """
        if not self._keeper.settling.wait_until(self._ready(of), timeout):
            raise TimeoutError(self._still_open(timeout, of))

    def _ready(self, of: Timeline | None) -> Callable[[], bool]:
        return self._keeper.is_settled if of is None else lambda: of.settled

    def __repr__(self) -> str:
        state = "" if self.enabled else ", off"
        return f"<Recorder: {len(self._keeper.kept)} requests, {self.dropped} dropped{state}>"

    def _still_open(self, timeout: float | None, of: Timeline | None) -> str:
        if of is None:
            names = self.open
        else:
            tasks = [harmless(task.name) for task in of.tasks if task.outcome is None]
            names = tasks or [of.title]
        return f"still open after {timeout} s: {', '.join(names)}"


def keeper_of(recorder: Recorder) -> Keeper:
    """Return what requests and tasks of this recorder write to; for the library itself."""
    return recorder._keeper
