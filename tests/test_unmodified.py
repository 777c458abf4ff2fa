"""Apps that know nothing of this library, recorded by the command line on a real server."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import websockets

from fastapi_tasks import Timeline, load

from .processes import ROOT, line_with, running
from .watching import assert_in_time, whole

Ask = Callable[[httpx.Client], None]


class Prices(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(7).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def prices() -> Iterator[str]:
    """A second service."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Prices) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def recorded(name: str, ask: Ask, place: Path, *options: str, **settings: str) -> list[Timeline]:
    """Record an app while it is asked; return what the file holds."""
    file = place / "run.jsonl"
    command = (
        "record",
        f"tests.served.unmodified.{name}",
        "--port",
        "0",
        "-o",
        str(file),
        *options,
    )
    with running(*command, cwd=ROOT, **settings) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        # After a BackgroundTask that failed, uvicorn closes the connection under the next request.
        headers = {"connection": "close"}
        with httpx.Client(base_url=url, trust_env=False, headers=headers) as client:
            ask(client)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    return load(file)


def trees(timelines: list[Timeline]) -> dict[str, list[str]]:
    """Each request and all of it; what is told by order alone is asserted."""
    for timeline in timelines:
        assert_in_time(timeline)
        assert_in_order(timeline)
    return {f"{one.title}: {one.status}": whole(one) for one in timelines}


def assert_in_order(timeline: Timeline) -> None:
    """Moments follow each other; BackgroundTasks run one by one, after the response."""
    before = timeline.response_sent
    for task in timeline.tasks:
        if task.outcome == "discarded":
            assert task.started is None
            continue
        assert task.released is not None
        assert task.requested <= task.released
        assert task.started is not None
        assert task.finished is not None
        assert task.released <= task.started <= task.finished
        if task.mode == "background":
            assert before is not None
            assert task.started >= before
            before = task.finished


# Orders --------------------------------------------------------------------------------------


def ask_orders(client: httpx.Client) -> None:
    assert client.post("/v1/orders", json={"item": "pen"}).json()["price"] == 7
    for path, status in (("/v1/orders/1", 200), ("/v1/orders/9", 404)):
        assert client.get(path).status_code == status
    assert client.post("/v1/orders", json={}).status_code == 422


def test_a_database_another_service_and_background_tasks(prices: str, tmp_path: Path) -> None:
    timelines = recorded("orders:app", ask_orders, tmp_path, PRICES=prices)
    assert trees(timelines) == {
        "POST /v1/orders #1: 201": [
            "middleware CORSMiddleware ! ConnectionError",
            "  middleware GZipMiddleware ! ConnectionError",
            "    dependency get_session",
            "    dependency get_user",
            "    validation parameters",
            "    endpoint create_order",
            "      http GET 127.0.0.1",
            "      sql INSERT orders",
            "      sql COMMIT",
            "    serialization response",
            "    close get_session",
            "sending response",
            "background send_mail: ok",
            "background count_order: ok",
            "  sql SELECT orders",
            "  sql ROLLBACK",
            "background fail_to_print: error ! ConnectionError",
            "background send_mail: discarded",
        ],
        "GET /v1/orders/1 #2: 200": [
            "middleware CORSMiddleware",
            "  middleware GZipMiddleware",
            "    dependency get_session",
            "    validation parameters",
            "    endpoint get_order",
            "      sql SELECT orders",
            "    serialization response",
            "    close get_session",
            "      sql ROLLBACK",
            "sending response",
        ],
        "GET /v1/orders/9 #3: 404": [
            "middleware CORSMiddleware",
            "  middleware GZipMiddleware",
            "    dependency get_session",
            "    validation parameters",
            "    endpoint get_order ! HTTPException",
            "      sql SELECT orders",
            "    close get_session",
            "      sql ROLLBACK",
            "sending response",
        ],
        "POST /v1/orders #4: 422": [
            "middleware CORSMiddleware",
            "  middleware GZipMiddleware",
            "    dependency get_session",
            "    dependency get_user",
            "    validation parameters ! RequestValidationError",
            "    close get_session",
            "sending response",
        ],
    }
    told = (tmp_path / "run.jsonl").read_text()
    assert [word for word in ("someone", "for=", "printer") if word in told] == []


# Chat ----------------------------------------------------------------------------------------


def ask_chat(client: httpx.Client) -> None:
    for path in ("/say", "/search", "/count", "/stream", "/admin/v1/rooms/red"):
        assert client.get(path).status_code == 200
    asyncio.run(talk(f"{client.base_url}".replace("http", "ws") + "/talk"))


async def talk(url: str) -> None:
    async with websockets.connect(url, proxy=None) as connection:
        await connection.send("hello")
        assert await connection.recv() == "hello"


def test_tasks_of_its_own_a_stream_a_websocket_and_a_mounted_app(tmp_path: Path) -> None:
    assert trees(recorded("chat:app", ask_chat, tmp_path)) == {
        "GET /say #1: 200": [
            "middleware add_version",
            "  dependency get_settings",
            "  endpoint say",
            "    thread shout",
            "  serialization response",
            "sending response",
            "spawned notify: ok",
            "  spawned log_it: ok",
        ],
        "GET /search #2: 200": [
            "middleware add_version",
            "  endpoint search",
            "  serialization response",
            "sending response",
            *["spawned look_up: ok"] * 4,
        ],
        "GET /count #3: 200": [
            "middleware add_version",
            "  dependency get_settings",
            "  dependency get_log",
            "  endpoint count",
            "  serialization response",
            "  close get_log",
            "sending response",
        ],
        "GET /stream #4: 200": [
            "middleware add_version",
            "  endpoint stream",
            *["  thread str"] * 3,
            "sending response",
        ],
        "GET /admin/v1/rooms/red #5: 200": [
            "middleware add_version",
            "  dependency get_settings",
            "  dependency get_log",
            "  validation parameters",
            "  endpoint show_room",
            "  serialization response",
            "  close get_log",
            "sending response",
        ],
        "WS /talk #6: None": [
            "middleware add_version",
            "  dependency get_settings",
            "  endpoint talk",
            "spawned look_up: ok",
        ],
    }


# Starlette alone -----------------------------------------------------------------------------


def ask_plain(client: httpx.Client) -> None:
    for path, status in (("/save", 200), ("/files/read", 200), ("/crash", 500), ("/none", 404)):
        assert client.get(path).status_code == status


def test_a_factory_of_a_wrapped_starlette_app(tmp_path: Path) -> None:
    assert trees(recorded("plain:create", ask_plain, tmp_path)) == {
        "GET /save #1: 200": [
            "middleware Login",
            "  endpoint save",
            "sending response",
            "spawned refresh: ok",
            "background archive: ok",
            "background refresh: ok",
        ],
        "GET /files/read #2: 200": [
            "middleware Login",
            "  endpoint read",
            "sending response",
            "background archive: ok",
        ],
        "GET /crash #3: 500": [
            "middleware Login ! KeyError",
            "  endpoint crash ! KeyError",
            "sending response",
        ],
        "GET /none #4: 404": ["middleware Login", "sending response"],
    }
    assert "a secret" not in (tmp_path / "run.jsonl").read_text()


# Litestar ------------------------------------------------------------------------------------


def ask_library(client: httpx.Client) -> None:
    assert client.post("/loans", json={"book": "a secret"}).status_code == 201
    for path, status in (("books/1", 200), ("books/10", 404), ("count", 200), ("pages", 200)):
        assert client.get(f"/v1/{path}").status_code == status


def test_an_app_of_another_framework(tmp_path: Path) -> None:
    pytest.importorskip("litestar", reason="litestar is not installed")
    timelines = recorded("library:create", ask_library, tmp_path)
    assert trees(timelines) == {
        "POST /loans #1: 201": [
            "sql INSERT loans",
            "sql COMMIT",
            "sending response",
            "spawned log_it: ok",
        ],
        "GET /v1/books/1 #2: 200": ["sending response"],
        "GET /v1/books/10 #3: 404": ["sending response"],
        "GET /v1/count #4: 200": ["sending response"],
        "GET /v1/pages #5: 200": ["sending response"],
    }
    assert [one.route for one in timelines] == [
        "/loans", *["/v1/books/{number}"] * 2, "/v1/count", "/v1/pages"
    ]  # fmt: skip
    (held,) = timelines[1].busy
    assert (held.line or "").startswith("tests/served/unmodified/library.py:")
    assert (held.line or "").endswith(" in show")
    assert "a secret" not in (tmp_path / "run.jsonl").read_text()


def test_unwatched_there_are_requests_alone(tmp_path: Path) -> None:
    timelines = recorded("plain:create", ask_plain, tmp_path, "--no-watch")
    assert trees(timelines) == {
        "GET /save #1: 200": [],
        "GET /files/read #2: 200": [],
        "GET /crash #3: 500": [],
        "GET /none #4: 404": [],
    }
