"""What the fixture `timelines` gives, of every kind of app, client and test."""

from __future__ import annotations

import pytest

# Whatever a run in this process imports first would be gone after it.
from .suites import SHOP, pages, result_of

pytest_plugins = ["pytester"]


class TestTheFixture:
    def passes(self, suite: pytest.Pytester, tests: str, count: int = 1) -> None:
        result = result_of(suite, SHOP + tests)
        assert result.parseoutcomes() == {"passed": count}, result.stdout.str()
        assert pages(suite) == []

    def test_gives_the_last_request_when_its_tasks_have_ended(self, suite: pytest.Pytester) -> None:
        self.passes(
            suite,
            """
from visualize.pytest_plugin import Timelines

def test_order(timelines: Timelines) -> None:
    assert isinstance(timelines, Timelines)
    check_out()
    assert timelines.last.order == ["log", "mail"]
    assert timelines.last.task("mail").outcome == "ok"
    assert timelines.recorder is recorder
    assert (len(timelines), [one.path for one in timelines]) == (1, ["/checkout"])
    with pytest.raises(LookupError, match="has no task named 'fax': it has"):
        timelines.last.task("fax")

def test_mail_alone(timelines):
    with TestClient(app) as client:
        client.post("/checkout")
        # No wait but that of `last`, while the app is up.
        assert timelines.last.task("mail").finished is not None
""",
            2,
        )

    def test_holds_the_requests_of_its_own_test_alone(self, suite: pytest.Pytester) -> None:
        self.passes(
            suite,
            """
@pytest.fixture(scope="module")
def client():
    with TestClient(app) as client:
        yield client

def test_none_yet(client, timelines):
    with pytest.raises(LookupError, match="no request is recorded in this test: send one first"):
        timelines.last
    with pytest.raises(LookupError, match="no request is recorded"):
        timelines.recorder

@pytest.mark.parametrize("times", [1, 2])
def test_some(client, timelines, times):
    for _ in range(times):
        client.post("/checkout")
    assert len(timelines.timelines) == times
    timelines.wait_settled()
    timelines.clear()
    assert len(timelines) == 0
""",
            3,
        )

    def test_finds_an_app_that_knows_nothing_of_us(self, suite: pytest.Pytester) -> None:
        self.passes(
            suite,
            """
def test_background(timelines):
    assert TestClient(other).get("/orders/7").json() == 7
    task = timelines.last.task("log")
    assert (task.mode, task.outcome) == ("background", "ok")
    assert timelines.last.route == "/orders/{number}"

def test_another_recorder_is_not_made(timelines):
    TestClient(other).get("/orders/8")
    assert timelines.recorder is other.state.tasks_recorder
""",
            2,
        )

    def test_finds_one_that_has_started_before(self, suite: pytest.Pytester) -> None:
        self.passes(
            suite,
            """
@pytest.fixture(scope="module")
def client():
    with TestClient(other) as client:
        client.get("/orders/1")
        yield client

def test_late(client, timelines):
    client.get("/orders/2")
    client.get("/orders/3")
    assert [one.path for one in timelines] == ["/orders/2", "/orders/3"]
    assert timelines.last.order == ["log"]

def test_again(client, timelines):
    client.get("/orders/4")
    assert [one.path for one in timelines] == ["/orders/4"]
""",
            2,
        )

    def test_tells_several_apps_apart(self, suite: pytest.Pytester) -> None:
        self.passes(
            suite,
            """
def test_two(timelines):
    check_out()
    TestClient(other).get("/orders/7")
    assert [one.path for one in timelines] == ["/checkout", "/orders/7"]
    assert timelines.of(app).last.path == "/checkout"
    assert timelines.of(other).last.path == "/orders/7"
    assert timelines.of(app).recorder is recorder
    with pytest.raises(LookupError, match="2 apps were called: name one"):
        timelines.recorder
    with pytest.raises(LookupError, match="no request"):
        timelines.of(FastAPI()).last
""",
        )

    def test_knows_an_app_of_another_kind_by_what_stands_around_it(
        self, suite: pytest.Pytester
    ) -> None:
        self.passes(
            suite,
            """
async def bare(scope, receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})

def test_bare(timelines):
    with pytest.raises(LookupError, match="nothing records this object of type function"):
        timelines.of(bare)
    around = RecordingMiddleware(bare)
    assert TestClient(around).get("/").status_code == 204
    assert timelines.last.status == 204
    assert timelines.of(around).last is timelines.last
""",
        )

    def test_does_not_wait_for_an_open_websocket(self, suite: pytest.Pytester) -> None:
        self.passes(
            suite,
            """
def test_chat(timelines):
    timelines.patience = 60
    with TestClient(app) as client, client.websocket_connect("/chat") as ws:
        assert timelines.last.request_end is None
        ws.send_text("bye")
""",
        )

    def test_says_what_never_ends(self, suite: pytest.Pytester) -> None:
        self.passes(
            suite,
            """
async def beat(): await anyio.sleep_forever()

@app.get("/beat")
async def start(tasks: Tasks) -> None: tasks.schedule(beat)

def test_beat(timelines):
    timelines.patience = 0.05
    with TestClient(app) as client:
        client.get("/beat")
        with pytest.raises(TimeoutError, match=r"GET /beat #1 is still open after 0.05 s: beat; "):
            timelines.last
        assert timelines.timelines[-1].path == "/beat"
        recorder.enabled = False
        timelines.clear()
        client.get("/beat")
        with pytest.raises(LookupError, match="recorder is switched off"):
            timelines.last

add_tasks(app := FastAPI(), grace_period=0, recorder=recorder)
app.get("/beat")(start)
""",
        )

    def test_works_in_async_tests_of_anyio(self, suite: pytest.Pytester) -> None:
        self.passes(
            suite,
            """
@pytest.mark.anyio
async def test_async(timelines):
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        await client.post("/checkout")
        assert timelines.last.settled is False
        await timelines.settled()
        assert timelines.last.order == ["log", "mail"]
""",
            2,
        )

    def test_works_with_a_real_server(self, suite: pytest.Pytester) -> None:
        self.passes(
            suite,
            """
from visualize.lab import serve

def test_served(timelines):
    with serve(app, quiet=True) as lab:
        httpx.post(f"{lab.url}/checkout", trust_env=False)
        assert timelines.last.order == ["log", "mail"]
        assert timelines.last.task("mail").outcome == "ok"

@pytest.mark.anyio
async def test_served_async(timelines, anyio_backend):
    async with serve(app, quiet=True) as lab:
        await lab.post("/checkout")
        await timelines.settled()
        assert timelines.last.order == ["log", "mail"]
""",
            3,
        )
