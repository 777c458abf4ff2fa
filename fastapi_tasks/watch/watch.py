"""Watching one app, from the moment on in which it is switched on.

What that takes is half of the library, and most apps in production do without: it is imported when
it is first needed, or every process would pay for it when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..keeper import Keeper
from ..loops import current_loop
from .loop import begin_watch, end_watch

if TYPE_CHECKING:
    from .watcher import Watcher


class Watch:
    """Watches an app, which may be none of FastAPI's, while its recorder's `watching` is on."""

    def __init__(self, app: Any, keeper: Keeper) -> None:
        self._app = app
        self._keeper = keeper
        if keeper.watching:
            # Not with the first look, on an event loop: it would hold that.
            import_module(".line", __package__)
            import_module(".watcher", __package__)

    @cached_property
    def watcher(self) -> Watcher:
        """What watches the app once it does; made when it is first asked for."""
        from .watcher import Watcher

        return Watcher(self._app, self._keeper)

    def start(self) -> None:
        """Put all hooks in place, if watching is on; it can be switched on later."""
        if self._keeper.watching:
            self.watcher.start()

    def lifespan(self) -> AbstractContextManager[None]:
        """Record what the app starts in its lifespan, if watching is on."""
        return self.watcher.lifespan() if self._keeper.watching else nullcontext()

    @contextmanager
    def own_loop(self) -> Iterator[Callable[[], None]]:
        """Look at the loop from the call of what this gives until its end.

        For an app without tasks: where there are some, their runtime does.
        """
        began = False

        def look() -> None:
            nonlocal began
            if self._keeper.watching:
                begin_watch(self._keeper, current_loop())
                began = True

        try:
            yield look
        finally:
            if began:
                end_watch(self._keeper)
