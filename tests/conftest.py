from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, add_tasks

from .processes import Command
from .virtual import VirtualLoop, now

WALL = 1_764_000_000_000_000_000


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both backends, each on virtual time that starts at 0."""
    if request.param == "asyncio":
        return "asyncio", {"loop_factory": VirtualLoop}
    from trio.testing import MockClock

    return "trio", {"clock": MockClock(autojump_threshold=0)}


@pytest.fixture
def recorder() -> Recorder:
    """A recorder on the running loop's own clock, virtual or not."""
    return Recorder(clock=now, wall=lambda: WALL + now())


@pytest.fixture
def make_app(recorder: Recorder) -> Callable[..., FastAPI]:
    """Make an app with tasks, recorded by `recorder`; options of add_tasks and of FastAPI."""

    def make(*, tasks: dict[str, Any] | None = None, **options: Any) -> FastAPI:
        app = FastAPI(**options)
        add_tasks(app, recorder=recorder, **(tasks or {}))
        return app

    return make


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def command(here: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process; return its exit code, output and complaint."""
    from visualize.cli.main import main

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        return (code, *capfd.readouterr())

    return call
