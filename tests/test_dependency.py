"""How an endpoint gets its `Tasks`: by FastAPI once, and then beside it.

Nothing of that is to be seen: so each endpoint here is asked more than once.
"""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import anyio
import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI
from fastapi import Request as HttpRequest
from fastapi.dependencies.utils import get_parameterless_sub_dependant
from fastapi.requests import HTTPConnection

from fastapi_tasks import Recorder, Tasks, get_tasks
from fastapi_tasks.errors import FastAPITasksUninitializedAppError

from .asgi import serving

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


async def test_tasks_are_themselves_where_tests_replace_something_else(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    async def user() -> str:
        return "somebody"

    async def tester(tasks: Tasks) -> AsyncIterator[str]:
        yield "tester"
        tasks.schedule(anyio.sleep, 1)

    @app.get("/")
    async def endpoint(tasks: Tasks, user: Annotated[str, Depends(user)]) -> str:
        tasks.schedule(anyio.sleep, 1)
        return user

    async with serving(app) as server:
        assert (await server.get("/")).body == b'"somebody"'
        app.dependency_overrides[user] = tester
        assert (await server.get("/")).body == b'"tester"'
        app.dependency_overrides.clear()
        assert (await server.get("/")).body == b'"somebody"'
        await recorder.settled()
    assert [len(timeline.tasks) for timeline in recorder.timelines] == [1, 2, 1]


async def test_tasks_of_a_mounted_app_are_replaced_there(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app, inner = make_app(), FastAPI()
    router = APIRouter()

    @router.get("/")
    async def endpoint(tasks: Tasks) -> str:
        return type(tasks).__name__

    app.include_router(router)
    inner.include_router(router, prefix="/again")
    app.mount("/inner", inner)
    async with serving(app) as server:

        async def seen() -> list[bytes]:
            return [(await server.get(path)).body for path in ("/", "/inner/again/")]

        assert await seen() == [b'"TasksScheduler"'] * 2
        inner.dependency_overrides[get_tasks] = lambda: 1
        assert await seen() == [b'"TasksScheduler"', b'"int"']
        app.dependency_overrides = inner.dependency_overrides
        inner.dependency_overrides = {}
        assert await seen() == [b'"int"', b'"TasksScheduler"']


async def test_tasks_go_with_all_that_an_endpoint_can_ask_for(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    @app.get("/{number}")
    async def endpoint(
        number: int,
        connection: HTTPConnection,
        request: HttpRequest,
        tasks: Tasks,
        background: BackgroundTasks,
        word: str = "none",
    ) -> list[Any]:
        assert connection is request
        tasks.schedule(anyio.sleep, 1)
        background.add_task(anyio.sleep, 1)
        return [number, word, request.url.path]

    schema = app.openapi()
    async with serving(app) as server:
        for _ in range(3):
            assert (await server.get("/7?word=x")).body == b'[7,"x","/7"]'
        assert (await server.get("/seven")).status == 422
        await recorder.settled()
    assert [len(timeline.tasks) for timeline in recorder.timelines] == [1, 1, 1, 0]
    app.openapi_schema = None
    assert app.openapi() == schema


async def test_tasks_leave_room_for_dependencies_that_a_route_gets_later(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()
    asked: list[str] = []

    async def later() -> None:
        asked.append("later")

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(anyio.sleep, 1)

    async with serving(app) as server:
        for _ in range(2):
            assert (await server.get("/")).status == 200
        route: Any = app.routes[-1]
        depends: Any = Depends(later)
        one = get_parameterless_sub_dependant(depends=depends, path="/")
        route.dependant.dependencies.append(one)
        assert (await server.get("/")).status == 200
        await recorder.settled()
    assert asked == ["later"]
    assert [len(timeline.tasks) for timeline in recorder.timelines] == [1, 1, 1]


async def test_tasks_are_resolved_by_fastapi_only_once(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None: ...

    route: Any = app.routes[-1]
    async with serving(app) as server:
        assert [one.call for one in route.dependant.dependencies] == [get_tasks]
        assert (await server.get("/")).status == 200
        assert [one.call for one in route.dependant.dependencies] == []


async def test_tasks_are_the_same_for_two_parameters(make_app: MakeApp, recorder: Recorder) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks, more: Tasks) -> bool:
        return tasks is more

    async with serving(app) as server:
        for _ in range(2):
            assert (await server.get("/")).body == b"true"


async def test_a_router_of_two_apps_has_tasks_in_the_one_that_was_set_up(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app, other = make_app(), FastAPI()
    router = APIRouter()

    @router.get("/")
    async def endpoint(tasks: Tasks) -> None: ...

    # Not included: both serve one and the same route.
    app.router.routes.extend(router.routes)
    other.router.routes.extend(router.routes)
    async with serving(app) as server, serving(other) as other_server:
        for _ in range(2):
            assert (await server.get("/")).status == 200
            answer = await other_server.get("/")
            assert answer.status == 500
            assert isinstance(answer.error, FastAPITasksUninitializedAppError)


async def test_an_endpoint_can_still_be_called_by_hand(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks, word: str = "none") -> tuple[Any, str]:
        return type(tasks).__name__, word

    route: Any = app.routes[-1]
    async with serving(app) as server:
        assert (await server.get("/")).body == b'["TasksScheduler","none"]'
        # By its name, and as FastAPI would if it did not know that it is asked for the connection.
        assert await endpoint(1, "a") == ("int", "a")  # type: ignore[arg-type]
        assert await route.dependant.call(tasks=1, word="b") == ("int", "b")


async def test_tasks_go_on_where_fastapi_gives_the_endpoint_no_connection(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    async def forget() -> None:
        # As a FastAPI would that makes its plan of a route once and for all.
        route.dependant.http_connection_param_name = None

    @app.get("/")
    async def endpoint(tasks: Tasks, forgotten: Annotated[None, Depends(forget)]) -> None:
        tasks.after_route.schedule(anyio.sleep, 1)

    route: Any = app.routes[-1]
    async with serving(app) as server:
        for _ in range(3):
            assert (await server.get("/")).status == 200
        await recorder.settled()
    assert [(one.endpoint_start, len(one.tasks)) for one in recorder.timelines] == [(None, 1)] * 3
