"""The live page in an app, and at its shutdown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
from anyio import fail_after, to_thread
from fastapi import FastAPI, Request

from fastapi_tasks import add_tasks
from fastapi_tasks.errors import FastAPITasksUninitializedAppError
from visualize.lab import serve
from visualize.live import mount, stream
from visualize.live.sending import compressed
from visualize.live.token import token_of
from visualize.page import LIVE_POLICY, asset, live_html

from .live_reader import EVENTS, HERE, ROOT, TOKEN, messages, shop

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_its_own_requests_are_not_recorded() -> None:
    async with serve(shop()) as lab:
        async with aclosing(messages(lab)) as stream:
            await anext(stream)
        await lab.get("/_timeline-not-mine")
        assert [timeline.path for timeline in lab.timelines] == ["/_timeline-not-mine"]


async def test_a_route_for_every_path_does_not_hide_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAM", 0.0)
    app = FastAPI()
    add_tasks(app)

    @app.get("/{path:path}")
    async def everything(path: str) -> str:
        return path

    mount(app)
    async with serve(app) as lab:
        assert (await lab.get(EVENTS, headers=TOKEN)).text.startswith("retry: ")
        assert (await lab.get("/other")).json() == "other"
        assert list((await lab.get("/openapi.json")).json()["paths"]) == ["/{path}"]


async def test_it_works_in_an_app_inside_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAM", 0.0)
    inner = shop()
    outer = FastAPI()
    outer.mount("/inner", inner)
    transport = httpx.ASGITransport(outer, client=(HERE, 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        entered = await client.get("/inner/_timeline/", params={"token": token_of("/_timeline")})
        assert "Path=/inner/_timeline/" in entered.headers["set-cookie"]
        assert (await client.get("/inner/_timeline/")).status_code == 200
        assert (await client.get("/inner/_timeline/events")).text.startswith("retry: ")
        assert (await client.get("/inner/other")).status_code == 404
    assert [timeline.path for timeline in inner.state.tasks_recorder.timelines] == ["/inner/other"]


async def test_the_page_is_served_with_its_policy() -> None:
    async with serve(shop()) as lab:
        response = await lab.get("/_timeline", follow_redirects=True, headers=TOKEN)
        names = ("timeline.js", "later.js", "file.js")
        scripts = {name: await lab.get(f"/_timeline/{name}", headers=TOKEN) for name in names}
    assert response.text == live_html("events", title="FastAPI")
    policy = response.headers["content-security-policy"]
    assert policy == (f"{LIVE_POLICY}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
    for name, script in scripts.items():
        assert script.text == asset(name)
        assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert lab.timelines == []


@pytest.mark.parametrize("path", ["", "timeline.js"])
async def test_page_and_script_travel_compressed_where_they_may(path: str) -> None:
    async with serve(shop()) as lab:
        packed, plain = [
            await lab.get(f"/_timeline/{path}", headers={**TOKEN, "accept-encoding": accepted})
            for accepted in ("gzip", "identity")
        ]
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content) / 2


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
async def test_what_is_sent_is_made_beside_the_event_loop(accepted: str) -> None:
    made_in: list[threading.Thread] = []

    def text() -> str:
        made_in.append(threading.current_thread())
        return "a page"

    headers = [(b"accept-encoding", accepted.encode())]
    request = Request({"type": "http", "headers": headers})
    # All of the app's threads may be at work: then the page is wanted most.
    default = to_thread.current_default_thread_limiter()
    before, default.total_tokens = default.total_tokens, 1
    async with default:
        with fail_after(10):
            response = await compressed(request, text, "text/plain", {})
    default.total_tokens = before
    assert response.status_code == 200
    assert len(made_in) == 1
    assert made_in != [threading.current_thread()]


@pytest.mark.parametrize("path", ["", "/", "timeline"])
def test_a_path_that_cannot_be_is_refused(path: str) -> None:
    app = FastAPI()
    add_tasks(app)
    with pytest.raises(ValueError, match="where no page can be"):
        mount(app, path)


def test_an_app_without_tasks_is_refused() -> None:
    with pytest.raises(FastAPITasksUninitializedAppError) as caught:
        mount(FastAPI())
    assert str(caught.value) == "mount() found no recorder in this app: call add_tasks(app) first"


def test_an_app_that_has_started_is_refused() -> None:
    app = FastAPI()
    add_tasks(app)
    with serve(app):
        pass
    with pytest.raises(RuntimeError) as caught:
        mount(app)
    assert str(caught.value) == (
        "mount() was called after the app had started: call it right after add_tasks(app)"
    )


APP = """
from fastapi import FastAPI
from fastapi_tasks import add_tasks
from visualize.live import mount

app = FastAPI()
add_tasks(app)
mount(app)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_open_page_does_not_hold_up_the_shutdown(number: int, tmp_path: Path) -> None:
    (tmp_path / "watched.py").write_text(APP)
    command = [sys.executable, "-m", "uvicorn", "watched:app", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        logged = iter(server.stderr)
        url = next(line for line in logged if "running on" in line).split()[4]
        # No port is known before the server answers: the first visitor makes it be logged.
        assert httpx.get(url + EVENTS, trust_env=False).status_code == 401
        token = next(line for line in logged if "token=" in line).split("token=")[1].split()[0]
        query = {"token": token}
        with httpx.stream("GET", url + EVENTS, params=query, trust_env=False) as response:
            lines = response.iter_lines()
            assert next(lines) == "retry: 100"
            server.send_signal(number)
            started = time.monotonic()
            told = list(lines)
            assert "event: stopping" in told
            assert f"data: {server.pid}" in told
        server.communicate(timeout=20)
    assert time.monotonic() - started < stream.STREAM / 2
