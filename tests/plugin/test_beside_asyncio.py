"""The fixture in a suite that pytest-asyncio runs."""

from __future__ import annotations

import pytest

from .suites import SHOP

pytest_plugins = ["pytester"]


def test_works_with_pytest_asyncio(suite: pytest.Pytester) -> None:
    pytest.importorskip("pytest_asyncio")
    suite.makepyfile(
        test_shop=SHOP
        + """
import pytest_asyncio

@pytest_asyncio.fixture
async def client():
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client

@pytest.mark.asyncio
async def test_async(client, timelines):
    await client.post("/checkout")
    await timelines.settled()
    assert timelines.last.order == ["log", "mail"]

@pytest.mark.asyncio
async def test_failing(client):
    await client.post("/checkout")
    assert False
"""
    )
    strict = ("-o", "asyncio_default_fixture_loop_scope=function")
    result = suite.runpytest_subprocess(*strict, "--timeline=retain-on-failure")
    assert result.parseoutcomes() == {"passed": 1, "failed": 1}, result.stdout.str()
    result.stdout.fnmatch_lines(["*- timeline -*", "POST /checkout #2 *"])
