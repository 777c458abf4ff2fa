"""Which tasks count as the app's own, and which as part of what a library does for it."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import record

from .asgi import serving

LIBRARY = """
import asyncio
from contextlib import asynccontextmanager

class Client:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await asyncio.shield(asyncio.create_task(self.close()))

    async def close(self): ...

async def start(function):
    return await asyncio.create_task(function())
"""

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[ModuleType]:
    """A module that is installed, as far as its file tells."""
    path = tmp_path / "site-packages" / "somebodys_client.py"
    path.parent.mkdir()
    path.write_text(LIBRARY)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[path.stem]


async def work() -> None: ...


async def test_only_what_the_app_starts_or_has_started_is_a_task(library: ModuleType) -> None:
    app = FastAPI()
    recorder = record(app, watch=True)

    @app.get("/")
    async def get() -> None:
        async with library.Client():
            pass
        await library.start(work)
        await asyncio.create_task(library.Client().close())
        async with anyio.create_task_group() as group:
            group.start_soon(work)

    async with serving(app) as server:
        await server.settle("/")
    assert recorder.last is not None
    assert [task.name.rpartition(".")[2] for task in recorder.last.tasks] == [
        "work",
        "close",
        "work",
    ]
