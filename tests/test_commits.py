"""T13: FastAPI closes a `yield` dependency of its default scope after the response was sent."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import anyio
import pytest
from fastapi import Depends, FastAPI

from fastapi_tasks import Recorder, Tasks

from .asgi import serving

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


class Shop:
    """A row that a dependency commits at its close, in so many seconds; what tasks read of it."""

    def __init__(self, app: FastAPI, seconds: float, **scope: Any) -> None:
        self.row = "old"
        self.read: dict[str, str] = {}

        async def session() -> AsyncIterator[None]:
            yield
            if seconds:
                await anyio.sleep(seconds)
            self.row = "new"

        @app.get("/")
        async def endpoint(tasks: Tasks, db: Annotated[None, Depends(session, **scope)]) -> None:
            tasks.after_route.schedule(self.look, "after_route")
            tasks.after_response.schedule(self.look, "after_response")

    async def look(self, who: str) -> None:
        self.read[who] = self.row


async def test_t13_what_closes_after_the_response_may_not_be_committed_yet(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()
    shop = Shop(app, 0.01)
    async with serving(app) as server:
        timeline = await server.settle("/")
    assert shop.read == {"after_route": "old", "after_response": "old"}
    assert timeline.response_sent == 0
    assert timeline.request_end == 10_000_000


async def test_t13_nor_may_anybody_rely_on_the_old_row(
    make_app: MakeApp, recorder: Recorder
) -> None:
    """A server that need not wait, and a commit that does not: both are over in one step."""
    app = make_app()
    shop = Shop(app, 0)
    async with serving(app) as server:
        await server.settle("/")
    assert shop.read == {"after_route": "new", "after_response": "new"}


@pytest.mark.parametrize("seconds", [0, 0.01])
async def test_t13_what_has_the_scope_of_the_function_is_committed_before_both(
    make_app: MakeApp, recorder: Recorder, seconds: float
) -> None:
    app = make_app()
    shop = Shop(app, seconds, scope="function")
    async with serving(app) as server:
        timeline = await server.settle("/")
    assert shop.read == {"after_route": "new", "after_response": "new"}
    assert timeline.tasks[0].released == timeline.response_start == round(seconds * 1e9)
