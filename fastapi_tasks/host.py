"""The runtimes of an app: one for each lifespan that is up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from .errors import FastAPITasksUninitializedAppError
from .keeper import Keeper
from .limits import Limits
from .request import Request
from .task import TaskConfig

if TYPE_CHECKING:
    from .phases import Phases
    from .runtime import Runtime

STATE_KEY = "fastapi_tasks.runtime"
"""The key by which the state that a server gives to each of its requests names their runtime.

Set only where several servers run on one loop: apps look at their state, and compare it. What a
state is says the ASGI specification's "Lifespan Protocol" page, under "Lifespan State".
"""

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


class Host:
    """Gives the tasks of each request a place on the event loop that the request runs on.

    An app may be up several times at once: with nested test clients, or on two servers.
    """

    def __init__(
        self,
        keeper: Keeper,
        config: TaskConfig,
        limits: Limits,
        started: Callable[[], object] = lambda: None,
    ) -> None:
        self.keeper = keeper
        self._config = config
        self._limits = limits
        # Called when the app is up where no server's messages say so.
        self._started = started
        self._runtimes: list[Runtime] = []
        # The only one, where there is but one: most apps have no other, and need not look for it.
        self._only: Runtime | None = None
        # Those of servers whose state does not name them: at most one on each loop.
        self._unnamed: list[Runtime] = []
        # Until the app's own lifespan begins: what that starts, and be it a server, inherits this.
        self._by_messages: ContextVar[bool] = ContextVar("fastapi_tasks.lifespan", default=False)

    def enter(self, request: Request, scope: Scope) -> Phases:
        """Give the tasks of a request a place.

        Raises FastAPITasksUninitializedAppError where no runtime is up on this loop.
        """
        runtime = self._only
        if runtime is None or not runtime.loop.is_current():
            runtime = self._runtime_of(scope) or self._find()
        if runtime is None:
            raise FastAPITasksUninitializedAppError(self._explain(request, scope))
        return runtime.enter(request)

    def _runtime_of(self, scope: Scope) -> Runtime | None:
        """Return the runtime of the server that this request came in by, where it tells."""
        state = scope.get("state")
        if state is None:
            return None
        named = state.get(STATE_KEY)
        for runtime in self._unnamed if named is None else self._runtimes:
            if (named is None or runtime is named) and runtime.loop.is_current():
                return runtime
        return None

    def _find(self) -> Runtime | None:
        on_its_way_down = None
        for runtime in reversed(self._runtimes):
            if runtime.loop.is_current():
                if not runtime.draining:
                    return runtime
                # Of two servers on one loop the other may stay.
                on_its_way_down = on_its_way_down or runtime
        return on_its_way_down

    def _explain(self, request: Request, scope: Scope) -> str:
        asks = f"{request.title} asks for Tasks, but"
        if self._runtimes:
            return (
                f"{asks} its app's lifespan runs on another event loop than this request, where "
                "nothing could wake its tasks: run both on one loop (with pytest-asyncio, give "
                "fixtures and tests the same loop_scope)"
            )
        nobody = (
            f"{asks} its app's lifespan is not running, so its tasks would have nobody to end them"
        )
        outside = scope.get("root_path")
        if outside != scope.get("app_root_path", outside):
            return (
                f"{nobody}: no lifespan of a mounted app runs by itself. Call add_tasks() on the "
                "app that it is mounted in, if that is a FastAPI app too; or enter this app's "
                "lifespan in that one's: "
                "`async with app.router.lifespan_context(app)`"
            )
        return (
            f"{nobody}: in tests use `with TestClient(app)`; serve the app with its lifespan on; "
            "where the server knows none (Daphne, WSGI bridges) or something else serves it "
            "(httpx.ASGITransport), enter it around that: "
            "`async with app.router.lifespan_context(app)`"
        )

    # Up and down --------------------------------------------------------------------------------

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Runtime]:
        """Run tasks on this loop while this is open."""
        # What runs them is half of the library, and who only imports an app need not load it.
        from .runtime import Runtime

        runtime = Runtime(self.keeper, self._config, self._limits)
        async with runtime.running():
            self._runtimes.append(runtime)
            self._count()
            try:
                yield runtime
            finally:
                self._runtimes.remove(runtime)
                self._count()

    def _count(self) -> None:
        self._only = self._runtimes[0] if len(self._runtimes) == 1 else None

    @asynccontextmanager
    async def up_by_messages(self, scope: Scope) -> AsyncIterator[Runtime]:
        """Do as `up` for a server's lifespan messages, around the app's own lifespan."""
        async with self.up() as runtime:
            token = self._by_messages.set(True)
            try:
                with self._told_apart(runtime, scope):
                    yield runtime
            finally:
                self._by_messages.reset(token)

    @contextmanager
    def _told_apart(self, runtime: Runtime, scope: Scope) -> Iterator[None]:
        """Let this server's requests find its runtime, beside others on the loop."""
        others = [one for one in self._runtimes if one is not runtime and one.loop.is_current()]
        if "state" not in scope:
            yield
        elif others:
            scope["state"][STATE_KEY] = runtime
            yield
        else:
            self._unnamed.append(runtime)
            try:
                yield
            finally:
                self._unnamed.remove(runtime)

    def is_up_by_messages(self) -> bool:
        """Tell whether a layer outside has the server's lifespan messages in hand."""
        return self._by_messages.get()

    def around(self, lifespan: Lifespan) -> Lifespan:
        """Return the app's lifespan, which also runs tasks where no server's messages do."""

        @asynccontextmanager
        async def hosting(app: Any) -> AsyncIterator[Any]:
            by_messages = self._by_messages.get()
            self._by_messages.set(False)
            async with lifespan(app) as state:
                if by_messages:
                    yield state
                    return
                async with self.up() as runtime:
                    runtime.started()
                    self._started()
                    try:
                        yield state
                    finally:
                        await runtime.drain()

        return hosting
