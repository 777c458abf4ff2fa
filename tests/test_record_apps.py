"""What the record command takes for an app, and how it serves it."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from fastapi_tasks import Recorder, Timeline, add_tasks, load, recorder_of
from visualize.cli import apps
from visualize.cli.apps import load_app
from visualize.cli.errors import CommandError
from visualize.lab import serve
from visualize.lab.recorded import recorded
from visualize.live import Beside

from .asgi import serving
from .processes import environment, line_with, running
from .watching import tree


class Shop:
    """What may stand under a name of a module."""

    app = FastAPI()
    wrapped = CORSMiddleware(app)
    number = 7

    def __init__(self, size: int = 1) -> None:
        self.size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("shop")(scope, receive, send)

    @staticmethod
    async def function(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("function")(scope, receive, send)

    @staticmethod
    async def anything(*values: Any) -> None: ...

    @staticmethod
    def create(name: str = "shop") -> FastAPI:
        return FastAPI(title=name)

    @staticmethod
    def three(a: int = 1, b: int = 2, c: int = 3) -> FastAPI:
        return FastAPI(title=f"{a}{b}{c}")

    @staticmethod
    def needs(settings: str) -> FastAPI:
        return FastAPI(title=settings)

    @staticmethod
    async def later() -> FastAPI:
        return FastAPI()

    @staticmethod
    def nothing() -> None: ...

    @staticmethod
    def fails() -> FastAPI:
        raise LookupError("no settings")


Shop.made_before = partial(Shop.needs, "made")  # type: ignore[attr-defined]
Shop.shop = Shop()  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps, "_import", lambda name: Shop)


@pytest.mark.parametrize("name", ["app", "wrapped", "function", "anything", "shop"])
def test_an_app_is_taken_as_it_is(name: str) -> None:
    assert load_app(f"shop:{name}") is getattr(Shop, name)


@pytest.mark.parametrize(
    ("name", "title"),
    [("create", "shop"), ("create()", "shop"), ("three", "123"), ("made_before", "made")],
)
def test_a_factory_is_called(name: str, title: str) -> None:
    app: Any = load_app(f"shop:{name}")
    assert (type(app), app.title) == (FastAPI, title)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (
            "number",
            "shop:number is of type int, not an ASGI app: give the name of the app, or of a "
            "function without arguments that makes it",
        ),
        (
            "nothing",
            "shop:nothing is of type NoneType, not an ASGI app: give the name of the app, or of a "
            "function without arguments that makes it",
        ),
        (
            "later",
            "shop:later is a coroutine function, and no event loop runs before the server does: "
            "make the app in a plain function, and await in its lifespan",
        ),
        (
            "needs()",
            "shop:needs needs arguments, and nobody is there to give them: "
            "name a function that makes the app without any",
        ),
        (
            "number()",
            "shop:number is of type int, which nobody can call: give the name of the app, or of a "
            "function without arguments that makes it",
        ),
    ],
)
def test_what_is_no_app_is_one_line(name: str, complaint: str) -> None:
    with pytest.raises(CommandError) as caught:
        load_app(f"shop:{name}")
    assert str(caught.value) == complaint


def test_a_factory_that_fails_is_one_line() -> None:
    with pytest.raises(CommandError, match=r"^calling shop:fails failed: LookupError: no settings"):
        load_app("shop:fails")


# What records it -------------------------------------------------------------------------------


async def _get(app: Any, recorder: Recorder, path: str = "/") -> Timeline:
    async with serving(app) as server:
        await server.get(path)
        await recorder.settled()
    (timeline,) = recorder.timelines
    return timeline


async def who() -> str:
    return "me"


def shop(app: FastAPI) -> FastAPI:
    from fastapi import Depends

    @app.get("/")
    async def order(user: str = Depends(who)) -> str:
        return user

    return app


@pytest.mark.anyio
async def test_an_app_with_tasks_keeps_its_recorder_and_is_watched() -> None:
    app = shop(FastAPI())
    own = add_tasks(app)
    served, recorder = recorded(app, watch=True)
    assert (served, recorder) == (app, own)
    assert "dependency who" in str(tree(await _get(served, recorder)))


@pytest.mark.anyio
@pytest.mark.parametrize("watch", [True, False])
async def test_a_wrapped_app_is_recorded_once_from_the_outside(watch: bool) -> None:
    inside = shop(FastAPI())
    inside.add_middleware(CORSMiddleware)
    served, recorder = recorded(CORSMiddleware(CORSMiddleware(inside)), watch=watch)
    assert recorder_of(served) is recorder
    timeline = await _get(served, recorder)
    assert (timeline.status, timeline.response_sent is not None) == (200, True)
    lines = tree(timeline)
    assert bool(lines) is watch
    assert ("middleware CORSMiddleware" in lines) is watch
    assert any("dependency who" in line for line in lines) is watch


def test_the_lab_watches_where_it_is_told_to() -> None:
    app = shop(FastAPI())
    with serve(app) as lab:
        lab.get("/")
        lab.settled()
    assert lab.timelines[0].spans == []
    with serve(app, watch=True) as lab:
        lab.get("/")
        lab.settled()
    assert "dependency who" in str(tree(lab.timelines[0]))


@pytest.mark.anyio
async def test_the_page_stands_beside_an_app_of_any_kind() -> None:
    recorder = Recorder()
    app = Beside(Bare(), recorder, "/_timeline", "shop:app")
    async with serving(app):
        pass
    transport = httpx.ASGITransport(app)  # from this machine
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in ("/", "/_timelines", "/x/_timeline/"):
            assert (await client.get(path)).text == "bare"
        assert (await client.get("/_timeline/")).status_code == 401
        await client.get(app.page.address)
        for path in ("/_timeline/", "/_timeline/timeline.js"):
            assert (await client.get(path)).status_code == 200
        assert (await client.get("/_timeline")).headers["location"].endswith("/_timeline/")
        assert (await client.get("http://example.org/_timeline/")).status_code == 403
    assert recorder.timelines == []


class Bare:
    """An app with a lifespan, and of no framework."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await PlainTextResponse("bare")(scope, receive, send)
            return
        for event in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{event}"
            await send({"type": f"lifespan.{event}.complete"})


# In a process of its own -----------------------------------------------------------------------

APP = """
import asyncio, logging, logging.config, sys
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.responses import JSONResponse

logging.config.dictConfig({
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"own": {"format": "own: %(message)s"}},
    "handlers": {
        "out": {
            "class": "logging.StreamHandler", "formatter": "own", "stream": "ext://sys.stdout",
        },
    },
    "loggers": {
        "shop": {"handlers": ["out"], "level": "DEBUG"},
        "uvicorn.access": {"handlers": ["out"]},
    },
})

async def home(request):
    logging.getLogger("shop").debug("a line of the app's")
    loop = type(asyncio.get_running_loop()).__module__
    return JSONResponse({"loop": loop, "modules": sorted(sys.modules)})

def create():
    return Starlette(routes=[Route("/", home)])
"""


def test_a_served_app_finds_what_it_would_find_on_its_own_server(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    with running("record", "shop:create", "--port", "0", cwd=tmp_path) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        found = httpx.get(url, trust_env=False).json()
        line_with("own: a line of the app's", process.stdout)
        # What it says of the server's log counts: it has its say last.
        line_with("own: 127.0.0.1", process.stdout)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert found["loop"] == _usual_loop()
    # What the lab needs is not needed here.
    packages = {name.partition(".")[0] for name in found["modules"]}
    assert packages.isdisjoint({"httpx", "httpx2", "matplotlib", "numpy", "PIL", "ipywidgets"})
    assert [one.title for one in load(tmp_path / "run.jsonl")] == ["GET / #1"]


def _usual_loop() -> str:
    """Return the module of the loop that uvicorn chooses here."""
    code = (
        "import asyncio, uvicorn\n"
        "factory = uvicorn.Config('').get_loop_factory()\n"
        "print(type(factory()).__module__)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    return told.stdout.strip()
