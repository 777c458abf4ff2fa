"""The endpoint's own two marks, wherever an endpoint can stand and whatever it is."""

import functools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.util import find_spec
from typing import Annotated, Any

import anyio
import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, WebSocket
from fastapi.responses import StreamingResponse

from fastapi_tasks import Recorder, Tasks, Timeline, add_tasks, get_tasks

from .asgi import serving

pytestmark = pytest.mark.anyio

newer = pytest.mark.skipif(
    find_spec("fastapi.sse") is None, reason="this FastAPI takes no such endpoint"
)

MakeApp = Callable[..., FastAPI]
S = 1_000_000_000


async def around(tasks: Tasks) -> AsyncIterator[None]:
    """Take a second before the endpoint and one after it, before the response starts."""
    await anyio.sleep(1)
    yield
    await anyio.sleep(1)


Around = Annotated[None, Depends(around, scope="function")]


async def plain(tasks: Tasks, slow: Around) -> None:
    await anyio.sleep(1)


async def by_a_dependency_alone(slow: Around) -> None:
    await anyio.sleep(1)


class Instance:
    async def __call__(self, tasks: Tasks, slow: Around) -> None:
        await anyio.sleep(1)

    async def method(self, tasks: Tasks, slow: Around) -> None:
        await anyio.sleep(1)


async def with_one_argument_more(seconds: float, tasks: Tasks, slow: Around) -> None:
    await anyio.sleep(seconds)


def decorated(call: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(call)
    def around_it(*args: Any, **kwargs: Any) -> Awaitable[None]:
        return call(*args, **kwargs)

    return around_it


def marks(timeline: Timeline | None) -> tuple[int | None, ...]:
    """Endpoint start, endpoint end, response start: in seconds."""
    assert timeline is not None
    times = (timeline.endpoint_start, timeline.endpoint_end, timeline.response_start)
    return tuple(None if time is None else time // S for time in times)


@pytest.mark.parametrize(
    "endpoint",
    [
        plain,
        by_a_dependency_alone,
        pytest.param(Instance(), marks=newer),
        Instance().method,
        functools.partial(with_one_argument_more, 1),
        pytest.param(decorated(plain), marks=newer),
    ],
    ids=["plain", "by a dependency alone", "object", "method", "partial", "decorated"],
)
async def test_are_those_of_its_first_and_last_line(
    make_app: MakeApp, recorder: Recorder, endpoint: Any
) -> None:
    app = make_app()
    app.get("/")(endpoint)
    async with serving(app) as server:
        for number in range(2):
            assert (await server.get("/")).status == 200
            start = 3 * number
            assert marks(recorder.last) == (start + 1, start + 2, start + 3)


@pytest.mark.parametrize("place", ["router", "nested", "twice", "route dependencies", "mounted"])
async def test_do_not_depend_on_where_it_stands(
    make_app: MakeApp, recorder: Recorder, place: str
) -> None:
    app = make_app()
    router = APIRouter()
    router.get("/it")(plain)
    path = "/a/it"
    if place == "mounted":
        inner = FastAPI()
        inner.include_router(router)
        app.mount("/a", inner)
    elif place == "nested":
        outer = APIRouter()
        outer.include_router(router, prefix="/a")
        app.include_router(outer)
    elif place == "route dependencies":
        app.include_router(router, prefix="/a", dependencies=[Depends(get_tasks)])
    else:
        app.include_router(router, prefix="/a")
    if place == "twice":
        app.include_router(router, prefix="/b")
    async with serving(app) as server:
        assert (await server.get(path)).status == 200
        assert marks(recorder.last) == (1, 2, 3)
        if place == "twice":
            assert (await server.get("/b/it")).status == 200
            assert marks(recorder.last) == (4, 5, 6)


@pytest.mark.parametrize("place", ["app", "router"])
async def test_of_a_websocket(make_app: MakeApp, recorder: Recorder, place: str) -> None:
    app = make_app()
    router = APIRouter()

    @(app if place == "app" else router).websocket("/")
    async def endpoint(socket: WebSocket, tasks: Tasks, slow: Around) -> None:
        await socket.accept()
        await anyio.sleep(1)

    app.include_router(router)
    async with serving(app) as server:
        await server.websocket("/", [])
    assert marks(recorder.last) == (1, 2, 1)


@newer
async def test_of_a_generator_end_before_its_body(make_app: MakeApp, recorder: Recorder) -> None:
    app = make_app()

    @app.get("/", response_class=StreamingResponse)
    async def endpoint(tasks: Tasks, slow: Around) -> AsyncIterator[bytes]:
        await anyio.sleep(1)
        yield b"x"

    async with serving(app) as server:
        assert (await server.get("/")).body == b"x"
    assert marks(recorder.last) == (1, 1, 2)


async def test_of_a_def_endpoint_are_taken_in_its_thread() -> None:
    threads: list[int] = []

    def clock() -> int:
        threads.append(threading.get_ident())
        return len(threads)

    app = FastAPI()
    recorder = add_tasks(app, recorder=Recorder(clock=clock))

    @app.get("/")
    def endpoint(tasks: Tasks) -> int:
        return threading.get_ident()

    async with serving(app) as server:
        answer = await server.get("/")
    own = [number for number, thread in enumerate(threads, 1) if thread == int(answer.body)]
    assert recorder.last is not None
    assert own == [recorder.last.endpoint_start, recorder.last.endpoint_end]


@pytest.mark.parametrize("kind", ["async", "def"])
async def test_what_leaves_it_is_known_before_any_exit_code_runs(
    make_app: MakeApp, recorder: Recorder, kind: str
) -> None:
    app = make_app()

    async def reporting(tasks: Tasks) -> AsyncIterator[None]:
        try:
            yield
        finally:
            tasks.after_response.task(name="report").schedule(anyio.sleep, 1)

    # Nothing was scheduled before it failed.
    @app.get("/async", dependencies=[Depends(reporting)])
    async def failing(tasks: Tasks) -> None:
        raise HTTPException(409)

    @app.get("/def", dependencies=[Depends(reporting)])
    def failing_in_thread(tasks: Tasks) -> None:
        raise HTTPException(409)

    async with serving(app) as server:
        assert (await server.get(f"/{kind}")).status == 409
        await recorder.settled()
    assert recorder.last is not None
    assert recorder.last.error == "HTTPException"
    assert [(task.name, task.outcome) for task in recorder.last.tasks] == [("report", "ok")]


async def test_stay_none_where_a_dependency_fails_before_it(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    async def refusing(tasks: Tasks) -> None:
        tasks.after_route.task(name="audit").schedule(anyio.sleep, 1)
        raise HTTPException(403)

    @app.get("/", dependencies=[Depends(refusing)])
    async def endpoint() -> None: ...

    async with serving(app) as server:
        assert (await server.get("/")).status == 403
        await recorder.settled()
    assert recorder.last is not None
    assert marks(recorder.last) == (None, None, 0)
    assert recorder.last.error == "HTTPException"
    assert [task.outcome for task in recorder.last.tasks] == ["discarded"]


@pytest.mark.parametrize("order", ["tasks first", "tasks last"])
async def test_stay_none_as_does_its_error_where_it_was_never_called(
    make_app: MakeApp, recorder: Recorder, order: str
) -> None:
    app = make_app()

    async def refusing(refuse: bool = True) -> None:
        if refuse:
            raise HTTPException(403)

    if order == "tasks first":

        @app.get("/")
        async def first(tasks: Tasks, refused: Annotated[None, Depends(refusing)]) -> None: ...

    else:

        @app.get("/")
        async def last(refused: Annotated[None, Depends(refusing)], tasks: Tasks) -> None: ...

    async with serving(app) as server:
        # The second is the first to reach the endpoint.
        for refuse in (True, False, True):
            await server.get(f"/?refuse={refuse}")
    assert [(one.status, one.endpoint_start, one.error) for one in recorder.timelines] == [
        (403, None, None),
        (200, 0, None),
        (403, None, None),
    ]


async def test_are_not_those_of_an_endpoint_that_it_calls(
    make_app: MakeApp, recorder: Recorder, anyio_backend_name: str
) -> None:
    app = make_app()

    @app.get("/inner")
    async def inner(tasks: Tasks) -> None:
        await anyio.sleep(1)

    @app.get("/outer")
    async def outer(tasks: Tasks) -> None:
        await anyio.sleep(1)
        for path in ("/inner", "/inner"):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                assert (await client.get(path)).status_code == 200
                # A test's replacement for `Tasks` says nothing about the marks either.
                app.dependency_overrides[get_tasks] = lambda: None
        app.dependency_overrides.clear()

    async with serving(app) as server:
        assert (await server.get("/outer")).status == 200
    assert [marks(timeline) for timeline in recorder.timelines] == [
        (0, 3, 3),
        (1, 2, 2),
        (None, None, 3),
    ]
