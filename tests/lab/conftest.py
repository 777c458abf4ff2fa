from __future__ import annotations

import threading

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The caller's loop; the server's own is always asyncio."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> object:
    yield
    assert [t for t in threading.enumerate() if t.name == "lab server"] == []
