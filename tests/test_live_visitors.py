"""S6: who may read the live page."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request

from fastapi_tasks import add_tasks
from visualize.live import mount, stream
from visualize.live.token import token_of

from .live_reader import EVENTS, HERE, ROOT, TOKEN, shop, visitor

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


PREFIX = "The live timeline answers this machine only, and "

ADVICE = (
    ". Elsewhere, give mount() dependencies that say who may see the timeline, or anywhere=True, "
    "which asks for the token alone."
)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each stream end at once."""
    monkeypatch.setattr(stream, "STREAM", 0.0)


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(
    ("peer", "headers", "why"),
    [
        (HERE, {}, None),
        ("::1", {"host": "[::1]:8000"}, None),
        ("127.8.9.10", {"host": "app.localhost"}, None),
        (HERE, {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, None),
        (HERE, {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, None),
        ("10.0.0.9", {}, "you come from 10.0.0.9"),
        ("10.0.0.9", {"x-forwarded-for": HERE}, "you come from 10.0.0.9"),
        ("", {}, "you come from "),
        *(
            (
                HERE,
                {name: HERE},
                "your request came through a proxy, so that your address is not known",
            )
            for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")
        ),
        (
            HERE,
            {"host": "evil.example"},
            "your request was made to evil.example, a name from elsewhere",
        ),
        (HERE, {"host": "10.0.0.1"}, "your request was made to 10.0.0.1, a name from elsewhere"),
    ],
)
async def test_s6_only_this_machine_may_read(
    peer: str, headers: dict[str, str], why: str | None
) -> None:
    async with visitor(shop(), peer) as client:
        response = await client.get(EVENTS, headers={**headers, **TOKEN})
    if why is None:
        assert response.status_code == 200
    else:
        assert (response.status_code, response.text) == (403, PREFIX + why + ADVICE)


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(
    "path", ["/_timeline/", "/_timeline/timeline.js", "/_timeline/later.js", EVENTS]
)
async def test_s6_a_visitor_without_the_token_is_told_where_it_stands(path: str) -> None:
    async with visitor(shop()) as client:
        none = await client.get(path)
        wrong = await client.get(path, params={"token": "x" * 22})
        odd = await client.get(path, headers={"authorization": b"Bearer \xe9"})
    assert (none.status_code, wrong.status_code, odd.status_code) == (401, 401, 401)
    assert none.text == (
        "The live timeline asks for a token, and your request has none. Open the URL that the "
        "server printed or logged, which ends with ?token=…; a server that was started anew has "
        "another token than before."
    )
    assert "has a wrong one." in wrong.text
    assert TOKEN["authorization"].removeprefix("Bearer ") not in none.text + str(none.headers)


@pytest.mark.usefixtures("brief")
async def test_s6_the_address_with_the_token_leaves_a_cookie_that_opens_the_page() -> None:
    app = FastAPI()
    add_tasks(app)
    page = mount(app)
    async with visitor(app) as client:
        entered = await client.get(page.address)
        set_cookie = entered.headers["set-cookie"]
        assert "HttpOnly" in set_cookie
        assert "SameSite=strict" in set_cookie
        assert "Path=/_timeline/" in set_cookie
        assert set_cookie.startswith("timeline-token-8000=")
        # On to an address without the token.
        assert (entered.status_code, entered.headers["location"]) == (303, "./")
        # A browser would send no such cookie after a link from elsewhere and a redirect.
        linked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        led_on = await client.get(page.address, headers=linked)
        assert led_on.headers["set-cookie"] == set_cookie
        assert 'http-equiv="refresh" content="0; url=./"' in led_on.text
        assert entered.headers["referrer-policy"] == "no-referrer"
        for path in ("/_timeline/", "/_timeline/timeline.js", EVENTS):
            assert (await client.get(path)).status_code == 200
        client.cookies.clear()
        assert (await client.get(EVENTS)).status_code == 401


async def test_another_sites_page_may_not_read_though_the_browser_has_the_cookie() -> None:
    app = shop()
    foreign = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}
    async with visitor(app) as client:
        response = await client.get(EVENTS, headers={**foreign, **TOKEN})
    assert response.status_code == 403
    assert "no other site's page" in response.text


@pytest.mark.usefixtures("brief")
async def test_told_to_answer_anywhere_it_still_asks_for_the_token() -> None:
    app = FastAPI()
    add_tasks(app)
    mount(app, anywhere=True)
    async with visitor(app, "10.0.0.9") as client:
        headers = {"host": "shop.example", "x-forwarded-for": "10.0.0.9"}
        assert (await client.get(EVENTS, headers=headers)).status_code == 401
        assert (await client.get(EVENTS, headers={**headers, **TOKEN})).status_code == 200


async def test_the_address_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    add_tasks(app)
    page = mount(app)
    async with visitor(app) as client:
        await client.get("/_timeline/")
        await client.get("/_timeline/")
    assert [record.getMessage() for record in caplog.records] == [
        f"The live timeline is on http://localhost:8000{page.address} for whoever has this URL"
    ]


def test_the_processes_that_a_server_starts_have_its_token_and_others_another() -> None:
    own = token_of("/_timeline")
    code = "from visualize.live.token import token_of; print(token_of('/_timeline'))"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert other.stdout.strip() != own
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(token_of, "/_timeline").result(60) == own
    assert token_of("/elsewhere") != own


async def test_dependencies_decide_in_its_stead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAM", 0.0)

    def with_key(request: Request) -> None:
        if request.headers.get("key") != "right":
            raise HTTPException(401, "no")

    app = FastAPI()
    add_tasks(app)
    page = mount(app, "/watch/", dependencies=[Depends(with_key)])
    assert (page.address, page.token) == ("/watch/", None)
    transport = httpx.ASGITransport(app, client=("10.0.0.9", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        assert (await client.get("/watch/events")).status_code == 401
        assert (await client.get("/watch/events", headers={"key": "right"})).status_code == 200
