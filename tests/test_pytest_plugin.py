"""The pytest plugin, by pytest in pytest."""

from __future__ import annotations

import re
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

# Whatever a run in this process imports first would be gone after it.
from visualize.pytest_plugin.pages import page_of

from .processes import ROOT
from .test_readme import block

pytest_plugins = ["pytester"]

INSTALLED = any(one.name == "timeline" for one in entry_points(group="pytest11"))
PLUGIN = [] if INSTALLED else ["-p", "visualize.pytest_plugin"]
"""What makes pytest load the plugin where the package was installed before it had one."""

SHOP = """
import anyio
import httpx
import pytest
from fastapi import BackgroundTasks, FastAPI, WebSocket
from fastapi.testclient import TestClient
from fastapi_tasks import Recorder, RecordingMiddleware, Tasks, add_tasks

app = FastAPI()
recorder = add_tasks(app)

async def mail() -> None:
    await anyio.sleep(0.01)

def log() -> None:
    pass

@app.post("/checkout")
async def checkout(tasks: Tasks) -> str:
    tasks.after_response.schedule(mail)
    tasks.schedule(log)
    await anyio.sleep(0.005)
    return "done"

@app.websocket("/chat")
async def chat(ws: WebSocket) -> None:
    await ws.accept()
    await ws.receive_text()

other = FastAPI()

@other.get("/orders/{number}")
async def order(number: int, tasks: BackgroundTasks) -> int:
    tasks.add_task(log)
    return number

def check_out() -> None:
    with TestClient(app) as client:
        client.post("/checkout")
"""

FAILING = (
    SHOP
    + """
def test_order():
    check_out()
    assert False
"""
)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder for a suite, and a pytest that finds this checkout and its plugin."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "100")
    # In this process the plugin is there before each run.
    ignored = "ignore::pytest.PytestAssertRewriteWarning"
    options = ["-p no:cacheprovider", "-p no:hypothesispytest", "-W error", f"-W {ignored}"]
    options.append(" ".join(PLUGIN))
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(options))
    return pytester


def result_of(suite: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    suite.makepyfile(test_shop=source)
    return suite.runpytest_inprocess("-p", "no:asyncio", *arguments)


def pages(suite: pytest.Pytester, folder: str = "timelines") -> list[str]:
    return sorted(path.name for path in (suite.path / folder).glob("*"))


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


class TestWhenATestFails:
    def test_its_report_shows_its_requests_and_where_their_page_is(
        self, suite: pytest.Pytester
    ) -> None:
        result = result_of(suite, FAILING, "--timeline=retain-on-failure")
        (page,) = pages(suite)
        assert re.fullmatch(r"test_shop\.py-test_order-[0-9a-f]{8}\.html", page)
        result.stdout.fnmatch_lines(
            [
                "*- timeline -*",
                "POST /checkout #1 · 200 *",
                "▲ mail *",
                "○ log *",
                f"written: {suite.path / 'timelines' / page}",
            ]
        )
        text = (suite.path / "timelines" / page).read_text()
        assert text.startswith("<!doctype html>")
        assert "<title>test_shop.py::test_order</title>" in text

    @pytest.mark.parametrize("arguments", [(), ("--timeline=off",)])
    def test_nothing_is_shown_unless_it_was_asked_for(
        self, suite: pytest.Pytester, arguments: tuple[str, ...]
    ) -> None:
        source = FAILING.replace("def test_order()", "def test_order(timelines)")
        result = result_of(suite, source, *arguments)
        assert result.parseoutcomes() == {"failed": 1}
        result.stdout.no_fnmatch_line("*- timeline -*")
        assert pages(suite) == []

    @pytest.mark.parametrize("phase", ["setup", "teardown"])
    def test_in_its_fixture_it_is_shown_too(self, suite: pytest.Pytester, phase: str) -> None:
        failing = {
            "setup": "check_out(); raise LookupError; yield",
            "teardown": "yield; check_out(); raise LookupError",
        }
        source = f"""
@pytest.fixture
def shop():
    {failing[phase]}

def test_order(shop): pass
"""
        result = result_of(suite, SHOP + source, "--timeline=retain-on-failure")
        assert result.parseoutcomes()["errors"] == 1
        result.stdout.fnmatch_lines(["*- timeline -*", "POST /checkout #1 *", "written: *"])
        assert len(pages(suite)) == 1

    def test_without_a_request_there_is_nothing_to_show(self, suite: pytest.Pytester) -> None:
        result = result_of(suite, "def test_sum(): assert 1 + 1 == 3", "--timeline=on")
        result.stdout.no_fnmatch_line("*- timeline -*")
        assert pages(suite) == []

    def test_the_last_requests_are_drawn_and_the_page_has_all(self, suite: pytest.Pytester) -> None:
        source = SHOP + "\ndef test_many():\n    for _ in range(5): check_out()\n    assert False\n"
        result = result_of(suite, source, "--timeline=retain-on-failure")
        result.stdout.fnmatch_lines(
            ["*- timeline -*", "The last 3 of 5 requests:", "", "POST /checkout #3 *"]
        )

    def test_what_was_late_is_said_in_words(self, suite: pytest.Pytester) -> None:
        source = (
            SHOP.replace("await anyio.sleep(0.01)", "import time; time.sleep(0.1)")
            + "\ndef test_late():\n    check_out(); check_out()\n    assert False\n"
        )
        result = result_of(suite, source, "--timeline=retain-on-failure")
        result.stdout.fnmatch_lines(
            ["mail (after_response) held the event loop 2 times for *", "written: *"]
        )

    def test_a_page_of_an_earlier_run_goes_when_the_test_passes(
        self, suite: pytest.Pytester
    ) -> None:
        option = "--timeline=retain-on-failure"
        result_of(suite, FAILING, option)
        (page,) = pages(suite)
        result_of(suite, FAILING.replace("assert False", "assert True"), option)
        assert pages(suite) == []
        (suite.path / "timelines" / page).write_text("precious")
        result_of(suite, FAILING.replace("assert False", "assert True"), option)
        assert pages(suite) == [page]
        result = result_of(suite, FAILING, option)
        result.stdout.fnmatch_lines(["cannot write *.html (what is there is no page of ours)"])
        assert (suite.path / "timelines" / page).read_text() == "precious"

    def test_a_folder_that_cannot_be_written_is_told_and_the_report_stays(
        self, suite: pytest.Pytester
    ) -> None:
        (suite.path / "file").touch()
        result = result_of(suite, FAILING, "--timeline=retain-on-failure", "--timeline-dir=file/in")
        assert result.parseoutcomes() == {"failed": 1}
        result.stdout.fnmatch_lines(
            ["POST /checkout #1 *", "cannot write *.html (not a directory)"]
        )


class TestOptions:
    def test_on_writes_of_tests_that_pass_too(self, suite: pytest.Pytester) -> None:
        passing = SHOP + "\ndef test_order(): check_out()\n"
        result = result_of(suite, passing, "--timeline=on")
        assert result.parseoutcomes() == {"passed": 1}
        result.stdout.no_fnmatch_line("*- timeline -*")
        assert len(pages(suite)) == 1

    def test_retain_on_failure_does_not(self, suite: pytest.Pytester) -> None:
        passing = SHOP + "\ndef test_order(): check_out()\n"
        result_of(suite, passing, "--timeline=retain-on-failure")
        assert pages(suite) == []

    def test_may_stand_in_the_configuration(self, suite: pytest.Pytester) -> None:
        suite.makeini("[pytest]\ntimeline = retain-on-failure\ntimeline_dir = out/pages")
        result_of(suite, FAILING)
        assert len(pages(suite, "out/pages")) == 1
        result_of(suite, FAILING, "--timeline-dir=typed")
        assert len(pages(suite, "typed")) == 1
        assert result_of(suite, FAILING, "--timeline=off").ret == 1
        suite.makeini("[pytest]\ntimeline = sometimes")
        result = result_of(suite, FAILING)
        result.stderr.fnmatch_lines(
            ["ERROR: timeline = 'sometimes': write one of off, on, retain-on-failure"]
        )

    def test_the_apps_are_left_alone_again(self, suite: pytest.Pytester) -> None:
        from starlette.applications import Starlette

        call = Starlette.__call__
        result_of(suite, FAILING, "--timeline=on")
        assert Starlette.__call__ is call
        result_of(suite, SHOP + "\ndef test_order(timelines): check_out()\n")
        assert Starlette.__call__ is call


class TestPages:
    def test_have_names_that_differ_where_those_of_tests_do(self) -> None:
        tests = [
            "a/test_b.py::test_c[x]", "a/test_b.py::test_c[x-]", "a-test_b.py::test_c[x]",
            "test_b.py::test_c[../../etc/passwd]", "test_b.py::test_c[" + "y" * 400 + "]", "::",
            "test_b.py::test_c[ü\udce9\n]",
        ]  # fmt: skip
        names = [page_of(Path("pages"), test) for test in tests]
        assert len(set(names)) == len(tests)
        for name in names:
            assert name.parent == Path("pages")
            assert re.fullmatch(r"(\w[\w.-]*)?-?[0-9a-f]{8}\.html", name.name, re.ASCII)
            assert len(name.name) < 150


def test_workers_of_pytest_xdist_write_into_one_folder(suite: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    source = (
        SHOP
        + """
@pytest.mark.parametrize("number", range(4))
def test_order(number, timelines):
    check_out()
    assert timelines.last.order == ["log", "mail"]
    assert number % 2
"""
    )
    suite.makepyfile(test_shop=source)
    (suite.path / "below").mkdir()
    result = suite.runpytest_subprocess(
        "-n", "2", "-p", "no:asyncio", "--timeline=retain-on-failure", "--timeline-dir=below/pages"
    )
    assert result.parseoutcomes() == {"passed": 2, "failed": 2}, result.stdout.str()
    assert [name.rpartition("-")[0] for name in pages(suite, "below/pages")] == [
        "test_shop.py-test_order-0", "test_shop.py-test_order-2",
    ]  # fmt: skip
    found = [line for line in result.outlines if line.startswith("written: ")]
    assert len(found) == 2


def test_a_suite_that_does_not_ask_imports_nothing_of_it(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_sum="""
import sys

def test_sum():
    found = {name.partition(".")[0] for name in sys.modules}
    assert not found & {"fastapi", "starlette", "pydantic", "matplotlib", "anyio", "fastapi_tasks"}
    ours = {name for name in sys.modules if name.startswith("visualize")}
    assert ours == {"visualize", "visualize.pytest_plugin"}
"""
    )
    # What other plugins of this environment import is their own doing.
    others = ["-p", "no:anyio", "-p", "no:asyncio", "-p", "no:hypothesispytest", "-p", "no:xdist"]
    result = suite.runpytest_subprocess(*others)
    assert result.parseoutcomes() == {"passed": 1}, result.stdout.str()


def test_the_example_of_the_readme_passes(suite: pytest.Pytester) -> None:
    app = block("example").partition("with lab.serve")[0]
    test = "from fastapi.testclient import TestClient\n" + block("pytest")
    result = result_of(suite, app + test)
    assert result.parseoutcomes() == {"passed": 1}, result.stdout.str()


def test_the_option_and_the_fixture_are_explained(suite: pytest.Pytester) -> None:
    assert sys.executable
    result = suite.runpytest_inprocess("-p", "no:asyncio", "--help")
    result.stdout.fnmatch_lines(["*--timeline={off,on,retain-on-failure}", "*--timeline-dir=DIR*"])
    result = result_of(suite, "", "--fixtures")
    result.stdout.fnmatch_lines(["timelines -- *", "*The requests that the app under test gets*"])
