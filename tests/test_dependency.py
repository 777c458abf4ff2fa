"""How an endpoint gets its `Tasks`: by FastAPI once, and then beside it.

Nothing of that is to be seen: so each endpoint here is asked more than once.
"""

import copy
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


def with_a_task(make_app: MakeApp) -> tuple[FastAPI, Any]:
    """An app whose one endpoint schedules a task, and that endpoint's route."""
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(anyio.sleep, 1)

    return app, app.routes[-1]


async def test_a_copy_of_what_a_route_depends_on_has_all_of_it(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app, route = with_a_task(make_app)
    async with serving(app) as server:
        assert (await server.get("/")).status == 200
        made = copy.deepcopy(route.dependant)
        assert [one.call for one in made.dependencies] == [get_tasks]
        assert type(made.dependencies) is list
        # As a tool does that changes a route, and puts its copy in the place.
        route.dependant = made
        for _ in range(2):
            assert (await server.get("/")).status == 200
        await recorder.settled()
    assert [len(timeline.tasks) for timeline in recorder.timelines] == [1, 1, 1]


async def test_an_earlier_call_that_is_put_back_gets_its_tasks(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app, route = with_a_task(make_app)
    before = route.dependant.call
    async with serving(app) as server:
        for _ in range(3):
            # A tool that has wrapped the call takes its wrapper off again.
            assert (await server.get("/")).status == 200
            route.dependant.call = before
        await recorder.settled()
    assert [len(timeline.tasks) for timeline in recorder.timelines] == [1, 1, 1]


@pytest.mark.parametrize("mode", ["immediate", "after_route", "after_response"])
async def test_tasks_asked_for_once_the_request_is_answered_are_released_at_once(
    make_app: MakeApp, recorder: Recorder, mode: str
) -> None:
    app = make_app()
    answered = anyio.Event()

    async def late(connection: HTTPConnection) -> None:
        await answered.wait()
        tasks = await get_tasks(connection)
        scheduler = tasks if mode == "immediate" else getattr(tasks, mode)
        scheduler.task(name="asked for late").schedule(anyio.sleep, 1)

    @app.get("/")
    async def endpoint(tasks: Tasks, request: HttpRequest) -> None:
        tasks.schedule(late, request)

    async with serving(app) as server:
        await server.get("/")
        answered.set()
        await recorder.settled()
    assert recorder.last is not None
    task = recorder.last.task("asked for late")
    assert (task.mode, task.held, task.outcome) == (mode, 0, "ok")


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
