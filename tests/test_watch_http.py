from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from fastapi_tasks.timeline import Timeline
from fastapi_tasks.watch import hook, http
from fastapi_tasks.watch.here import begin, leaf

from .watching import assert_in_time, tree, watched

URL = "http://payments.example/card/4711?token=secret"

Handler = Callable[[Any], Any]


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    """Both libraries with this face; their clients record from now on."""
    module = importlib.import_module(request.param)
    http.install()
    return module


@pytest.fixture
def local(library: Any) -> Iterator[str]:
    """A real server: `/` answers, `/away` redirects there, `/cut` breaks its answer off."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", "/?again")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Length", "10" if self.path == "/cut" else "4")
            self.end_headers()
            self.wfile.write(b"body")
            self.close_connection = self.path == "/cut"

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def responding(library: Any, *parts: Any) -> Handler:
    """Answer with a body of these parts; an exception among them breaks it off."""

    class Body(library.AsyncByteStream):  # type: ignore[name-defined, misc]
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for part in parts:
                await anyio.lowlevel.checkpoint()
                if isinstance(part, BaseException):
                    raise part
                yield part

    return lambda _: library.Response(200, stream=Body())


def client_of(library: Any, handler: Handler, **options: Any) -> Any:
    return library.AsyncClient(transport=library.MockTransport(handler), **options)


def the_span(timeline: Timeline) -> Any:
    (span,) = (span for span in timeline.spans if span.kind == "http")
    return span


def test_a_call_over_the_network_is_a_span_with_its_body(library: Any, local: str) -> None:
    with watched(task=2) as timeline:
        with library.Client() as client:
            assert client.get(f"{local}/?token=secret").text == "body"
        assert library.get(local).text == "body"

    assert tree(timeline) == ["http GET 127.0.0.1"] * 2
    assert_in_time(timeline)
    assert [span.attributes for span in timeline.spans] == [{"status": "200"}] * 2
    assert {span.task for span in timeline.spans} == {2}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_async_calls_over_the_network(library: Any, local: str, anyio_backend: str) -> None:
    with watched() as timeline:
        async with library.AsyncClient(follow_redirects=True) as client:
            assert (await client.get(f"{local}/away")).text == "body"
            with pytest.raises(library.RemoteProtocolError):
                await client.get(f"{local}/cut")
            with pytest.raises(library.ConnectError):
                await client.get("http://127.0.0.1:1/")

    assert tree(timeline) == [
        "http GET 127.0.0.1",
        "http GET 127.0.0.1 ! RemoteProtocolError",
        "http GET 127.0.0.1 ! ConnectError",
    ]
    assert_in_time(timeline)


@pytest.mark.anyio
async def test_a_call_ends_with_the_last_byte_of_its_body(library: Any) -> None:
    with watched() as timeline:
        ends: list[int] = []

        class Body(library.AsyncByteStream):  # type: ignore[name-defined, misc]
            async def __aiter__(self) -> AsyncIterator[bytes]:
                yield b"a"
                await anyio.sleep(5)
                (span,) = timeline.spans
                assert span.end is None
                ends.append(1)
                yield b"b"

        handler = lambda _: library.Response(201, stream=Body())  # noqa: E731
        async with client_of(library, handler) as client:
            response = await client.post(URL, json={"card": "secret"})

    assert response.content == b"ab"
    assert ends == [1]
    assert the_span(timeline).attributes == {"status": "201"}
    assert tree(timeline) == ["http POST payments.example"]


@pytest.mark.anyio
async def test_what_a_transport_does_is_inside_of_the_call(library: Any) -> None:
    class Transport(library.AsyncBaseTransport):  # type: ignore[name-defined, misc]
        async def handle_async_request(self, request: Any) -> Any:
            opened = leaf("GET", "redis")
            assert opened is not None
            opened.end()
            return library.Response(200, content=b"kept")

    with watched() as timeline:
        async with library.AsyncClient(transport=Transport()) as client:
            assert (await client.get(URL)).text == "kept"
        begin("after", "thread")

    assert tree(timeline) == ["http GET payments.example", "  redis GET", "thread after …"]


@pytest.mark.anyio
async def test_a_streamed_body_belongs_to_the_call_and_what_its_reader_does_does_not(
    library: Any,
) -> None:
    with watched() as timeline:
        async with (
            client_of(library, responding(library, b"a", b"b")) as client,
            client.stream("GET", URL) as response,
        ):
            assert the_span(timeline).end is None
            assert the_span(timeline).attributes == {"status": "200"}
            async for _ in response.aiter_bytes():
                opened = leaf("SET", "redis")
                assert opened is not None
                opened.end()
            assert the_span(timeline).end is not None

    assert tree(timeline) == ["http GET payments.example", "redis SET", "redis SET"]


@pytest.mark.anyio
async def test_a_streamed_body_may_be_left_unread_or_be_read_elsewhere(library: Any) -> None:
    with watched() as timeline:
        async with client_of(library, responding(library, b"a", b"b")) as client:
            async with client.stream("GET", URL):
                pass
            response = await client.send(client.build_request("GET", URL), stream=True)
            async with anyio.create_task_group() as group:
                group.start_soon(response.aread)
            assert response.content == b"ab"

    assert tree(timeline) == ["http GET payments.example"] * 2
    assert_in_time(timeline)


def test_a_streamed_body_may_be_left_half_way(library: Any, local: str) -> None:
    async def use() -> None:
        async with (
            client_of(library, responding(library, b"a", b"b")) as client,
            client.stream("GET", URL) as response,
        ):
            async for _ in response.aiter_raw():
                break

    with watched() as timeline:
        asyncio.run(use())
        with library.Client() as client, client.stream("GET", local) as response:
            next(response.iter_raw(1))

    assert tree(timeline) == ["http GET payments.example", "http GET 127.0.0.1"]
    assert_in_time(timeline)


@pytest.mark.anyio
async def test_a_body_that_breaks_off_is_the_calls_error(library: Any) -> None:
    broken = responding(library, b"a", library.ReadError("secret"))
    with watched() as timeline:
        async with client_of(library, broken) as client:
            with pytest.raises(library.ReadError):
                await client.get(URL)
            with pytest.raises(library.ReadError):
                async with client.stream("GET", URL) as response:
                    await response.aread()

    assert tree(timeline) == ["http GET payments.example ! ReadError"] * 2


def test_sync_bodies_are_streamed_likewise(library: Any, local: str) -> None:
    with watched() as timeline, library.Client() as client:
        with client.stream("GET", local) as response:
            assert the_span(timeline).end is None
            assert b"".join(response.iter_bytes()) == b"body"
        with (
            pytest.raises(library.RemoteProtocolError),
            client.stream("GET", f"{local}/cut") as response,
        ):
            response.read()

    assert tree(timeline) == [
        "http GET 127.0.0.1",
        "http GET 127.0.0.1 ! RemoteProtocolError",
    ]
    assert_in_time(timeline)


@pytest.mark.anyio
async def test_a_call_that_is_cancelled_ends_so(library: Any) -> None:
    async def forever(_: Any) -> Any:
        await anyio.sleep_forever()

    with watched() as timeline:
        async with client_of(library, forever) as client:
            with anyio.move_on_after(1):
                await client.get(URL)

    assert the_span(timeline).error in ("CancelledError", "Cancelled")
    assert the_span(timeline).end is not None


@pytest.mark.anyio
async def test_a_client_of_the_apps_own_is_recorded_once(library: Any) -> None:
    class Retrying(library.AsyncClient):  # type: ignore[name-defined, misc]
        async def send(self, request: Any, **options: Any) -> Any:
            response = await super().send(request, **options)
            if response.status_code == 503:
                response = await super().send(request, **options)
            return response

    http.install()
    statuses = iter([503, 200])
    transport = library.MockTransport(lambda _: library.Response(next(statuses)))
    with watched() as timeline:
        async with Retrying(transport=transport) as client:
            assert (await client.get(URL)).status_code == 200

    assert [span.attributes["status"] for span in timeline.spans] == ["503", "200"]


@pytest.mark.anyio
async def test_names_are_harmless_and_without_what_the_url_tells(library: Any) -> None:
    with watched() as timeline:
        async with client_of(library, lambda _: library.Response(204)) as client:
            await client.get("https://user:secret@bücher.example:8443/secret?q=secret#secret")
            await client.request("SECRET=1", URL)

    assert [span.name for span in timeline.spans] == ["GET bücher.example", "HTTP payments.example"]


@pytest.mark.anyio
async def test_outside_of_requests_calls_pass_unrecorded(library: Any) -> None:
    with watched() as timeline:
        pass
    async with client_of(library, responding(library, b"a")) as client:
        assert (await client.get(URL)).content == b"a"

    assert timeline.spans == []


@pytest.mark.anyio
async def test_a_hook_that_fails_never_reaches_the_app(
    library: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> str:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(hook, "_failed", set())
    monkeypatch.setattr(http, "harmless", broken)
    with watched() as timeline:
        async with client_of(library, responding(library, b"a")) as client:
            for _ in range(3):
                assert (await client.get(URL)).content == b"a"

    assert timeline.spans == []
    assert len(caplog.records) == 1
    assert "_begin" in caplog.text
