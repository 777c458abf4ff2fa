from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastapi_tasks import save

from ..samples import checkout


@pytest.fixture
def run_jsonl(here: Path) -> Path:
    path = Path("run.jsonl")
    save([checkout(1), checkout(2, at=60_000_000)], path)
    return path


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Take back what `record` sets up for its process: here that is the tests' own."""
    loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", "uvicorn.access")]
    before = [(list(one.handlers), one.level, one.propagate) for one in loggers]
    yield
    for one, (handlers, level, propagate) in zip(loggers, before, strict=True):
        one.handlers[:] = handlers
        one.setLevel(level)
        one.propagate = propagate
