"""The command line: what it shows, what it writes, and one line for whatever goes wrong."""

from __future__ import annotations

import logging
import os
import pty
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from fastapi_tasks import Recorder, Timeline, __version__, load, save, to_json
from fastapi_tasks.recorder import keeper_of
from visualize import plot, text, to_mermaid, to_png, to_svg
from visualize.cli import journal
from visualize.cli.journal import Journal
from visualize.cli.main import main
from visualize.cli.signals import uninterrupted
from visualize.figure import compare
from visualize.lab.sockets import bind
from visualize.page import to_html
from visualize.perfetto import to_perfetto

from .processes import Command, environment, line_with, run, running
from .samples import checkout, random_timelines


@pytest.fixture
def run_jsonl(here: Path) -> Path:
    path = Path("run.jsonl")
    save([checkout(1), checkout(2, at=60_000_000)], path)
    return path


# show ----------------------------------------------------------------------------------------


def test_show_draws_all_in_the_order_of_their_start(command: Command, here: Path) -> None:
    first, second = checkout(1), checkout(2, at=60_000_000)
    save([second, first], "run.jsonl")
    assert command("show", "run.jsonl", "--all") == (0, text([first, second]), "")


def test_show_reads_a_pipe(here: Path, run_jsonl: Path) -> None:
    done = run("show", "-", "--all", cwd=here, stdin=run_jsonl.read_bytes())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == text(load(run_jsonl), width=100, color=False, ascii=False)


FORMS = {
    "html": ("run.html", lambda timelines: to_html(timelines).encode()),
    "png": ("run.png", lambda timelines: to_png(plot(timelines))),
    "svg": ("run.svg", lambda timelines: to_svg(plot(timelines))),
    "perfetto": ("run.perfetto.json", lambda timelines: to_perfetto(timelines).encode()),
    "mermaid": ("run.mmd", lambda timelines: to_mermaid(timelines).encode()),
}


@pytest.mark.parametrize("form", FORMS)
def test_show_writes_each_form_beside_the_recording(
    command: Command, run_jsonl: Path, form: str
) -> None:
    name, make = FORMS[form]
    assert command("show", "run.jsonl", f"--{form}") == (0, f"written: {name}\n", "")
    assert Path(name).read_bytes() == make(load(run_jsonl))


def test_show_writes_several_forms_at_once(command: Command, run_jsonl: Path) -> None:
    result = command("show", "run.jsonl", "--html", "page.html", "--perfetto")
    assert result == (0, "written: page.html\nwritten: run.perfetto.json\n", "")


def test_show_writes_a_form_to_standard_output(here: Path, run_jsonl: Path) -> None:
    done = run("show", "run.jsonl", "--perfetto", "-", cwd=here)
    assert (done.returncode, done.stdout, done.stderr) == (0, to_perfetto(load(run_jsonl)), "")


def test_a_reader_that_leaves_is_no_error(here: Path) -> None:
    save(random_timelines(2000, 3), "run.jsonl")
    shown = subprocess.run(
        f"{sys.executable} -m visualize show run.jsonl --all | head -1", shell=True, check=False,
        cwd=here, env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True, timeout=60,
    )  # fmt: skip
    assert shown.stderr == b""
    assert shown.stdout.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "run.jsonl"),
        ("show", "run.jsonl", "--html", "-"),
        ("compare", "run.jsonl", "run.jsonl"),
        ("demo", "--no-open", "-o", "made"),
        ("record", "shop:app", "--port", "0"),
    ],
    ids=" ".join,
)
def test_an_output_that_takes_no_more_is_one_line(
    here: Path, run_jsonl: Path, arguments: tuple[str, ...]
) -> None:
    write_app(here)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "visualize", *arguments], cwd=here, env=environment(),
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if not line.startswith("INFO")]
    assert said == [
        "visualize: cannot write to standard output (no space left on device): send it elsewhere"
    ]
    assert done.returncode == 1


def test_an_output_that_was_closed_is_no_error(here: Path, run_jsonl: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m visualize show run.jsonl --html >&-", shell=True, check=False,
        cwd=here, env=environment(), stderr=subprocess.PIPE, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (here / "run.html").exists()


def test_the_version_is_told(here: Path) -> None:
    done = run("--version", cwd=here)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


def test_long_work_is_announced_on_a_terminal(here: Path, run_jsonl: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "visualize", "show", "run.jsonl", "--perfetto"],
        cwd=here, env=environment(), stdout=subprocess.PIPE, stderr=theirs,
        timeout=60, check=False,
    )  # fmt: skip
    os.close(theirs)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert (done.returncode, done.stdout) == (0, b"written: run.perfetto.json\n")
    clear = "\r\033[K"
    assert said == (f"Reading run.jsonl …{clear}Making a trace for ui.perfetto.dev …{clear}")


def test_names_that_a_terminal_cannot_show_are_written_in_escapes(here: Path) -> None:
    timeline = checkout()
    timeline.tasks[0].name = "prüfe_zahlung"
    save(timeline, "run.jsonl")
    done = run("show", "run.jsonl", cwd=here, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "pr\\xfcfe_zahlung" in done.stdout
    assert done.stdout.isascii()


# compare -------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("align", ["request_start", "response_sent"])
def test_compare_draws_both_on_one_axis(command: Command, here: Path, align: Any) -> None:
    save(checkout(1), "a.jsonl")
    save(checkout(2, at=9), "b.jsonl")
    panels = {"a.jsonl": [checkout(1)], "b.jsonl": [checkout(2, at=9)]}
    written = ("--align", align.replace("_", "-"))
    result = command("compare", "a.jsonl", "b.jsonl", *written, "--html", "--png", "--svg")
    files = ("compared.html", "compared.png", "compared.svg")
    assert result == (0, "".join(f"written: {file}\n" for file in files), "")
    assert Path("compared.html").read_text() == to_html(panels, align=align)
    assert Path("compared.png").read_bytes() == to_png(compare(panels, align=align))
    assert Path("compared.svg").read_bytes() == to_svg(compare(panels, align=align))


def test_compare_tells_two_files_of_one_name_apart(command: Command, here: Path) -> None:
    for folder in ("old", "new"):
        Path(folder).mkdir()
        save(checkout(), f"{folder}/run.jsonl")
    assert command("compare", "old/run.jsonl", "new/run.jsonl", "--html")[0] == 0
    panels = {"A: old/run.jsonl": [checkout()], "B: new/run.jsonl": [checkout()]}
    assert Path("compared.html").read_text() == to_html(panels, align="request_start")


# Bad input -----------------------------------------------------------------------------------

LINE = to_json(checkout())
ADVICE = "give a file that the record command wrote"
WRITTEN = "give a file that was written by"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, f"cannot read run.jsonl (no such file or directory): {ADVICE}"),
        (b"", "run.jsonl holds no request: record some, then show them"),
        (b"\n\n", "run.jsonl holds no request: record some, then show them"),
        (
            b"\x89PNG\r\n",
            "run.jsonl: line 1 is not text (invalid start byte at byte 0): "
            f"{WRITTEN} save() or the record command",
        ),
        (
            b'{"a": 1}\n',
            "run.jsonl: line 1 is not a timeline, it has no format version: "
            f"{WRITTEN} to_json(), save() or the record command",
        ),
        (
            LINE.encode() + b'{"format":7}\n',
            "run.jsonl: line 2 has format version 7, and this release reads only 1: "
            "read it with the release that wrote it",
        ),
        (
            LINE.encode()[:40],
            "run.jsonl: line 1 is not a whole JSON object, perhaps cut off",
        ),
        (
            LINE.replace('"method":"POST"', '"method":5').encode(),
            "run.jsonl: line 1 is damaged, method: input should be a valid string: "
            "remove the line, or record again",
        ),
    ],
)
@pytest.mark.parametrize(
    "arguments", [("show", "run.jsonl"), ("compare", "run.jsonl", "run.jsonl")]
)
def test_a_recording_that_cannot_be_read_is_one_line(
    command: Command, arguments: tuple[str, ...], content: bytes | None, complaint: str
) -> None:
    if content is not None:
        Path("run.jsonl").write_bytes(content)
    code, out, err = command(*arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"visualize: {complaint}")


def test_a_damaged_pipe_is_one_line(here: Path) -> None:
    done = run("show", "-", cwd=here, stdin=b"\xff")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "visualize: standard input: line 1 is not text (invalid start byte at byte 0): "
        "give a file that was written by save() or the record command\n"
    )
    done = run("show", "-", cwd=here, stdin=b"7")
    assert done.stderr.startswith("visualize: standard input: line 1 is not a timeline")


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (
            (),
            2,
            "the following arguments are required: COMMAND (python -m visualize --help shows how)",
        ),
        (
            ("show",),
            2,
            "the following arguments are required: FILE "
            "(python -m visualize show --help shows how)",
        ),
        (
            ("demo", "--port", "x"),
            2,
            "argument --port: invalid int value: 'x' (python -m visualize demo --help shows how)",
        ),
        (
            ("show", "run.jsonl", "--html", "./run.jsonl"),
            2,
            "--html run.jsonl would replace the recording itself: give another file",
        ),
        (
            ("show", "run.jsonl", "--html", "no/where.html"),
            1,
            "cannot write no/where.html (no such file or directory): give another place",
        ),
        (
            ("record", "main"),
            2,
            "'main' names no app: give its module and its name, such as main:app",
        ),
        (
            ("record", "main.py:app"),
            2,
            "'main.py' is no name of a module: write it as an import does, such as main:app or "
            "shop.main:app",
        ),
        (
            ("record", "../shop/main:app"),
            2,
            "'../shop/main' is no name of a module: write it as an import does, such as main:app "
            "or shop.main:app",
        ),
    ],
)
def test_wrong_usage_is_one_line(
    command: Command, run_jsonl: Path, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    before = run_jsonl.read_bytes()
    assert command(*arguments) == (code, "", f"visualize: {complaint}\n")
    assert run_jsonl.read_bytes() == before
    assert [file.name for file in Path().iterdir()] == ["run.jsonl"]


@pytest.mark.parametrize("name", ["demo", "record", "show", "compare", "playground"])
def test_help_ends_with_an_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert (
        capsys.readouterr().out.splitlines()[-1].startswith(f"example: python -m visualize {name} ")
    )


def test_a_missing_package_is_named(
    command: Command, run_jsonl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        name for name in sys.modules if name.startswith(("matplotlib", "visualize.figure"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("visualize.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = command("show", "run.jsonl", "--png")
    assert (code, out) == (1, "")
    assert err == (
        "visualize: this command needs matplotlib, which is not installed: "
        "pip install 'fastapi-tasks-timeline[visualize]', "
        "or run it with uvx 'fastapi-tasks-timeline[visualize]'\n"
    )


# record --------------------------------------------------------------------------------------

APP = """
import asyncio
from fastapi import FastAPI
from fastapi_tasks import Tasks, add_tasks
{extra}
app = FastAPI({options})
add_tasks(app)
number = 7

async def pack() -> None:
    await asyncio.sleep(0.05)

@app.get("/")
async def order(tasks: Tasks) -> str:
    tasks.after_response.schedule(pack)
    return "ordered"
"""


def write_app(folder: Path, extra: str = "", options: str = "") -> None:
    (folder / "shop.py").write_text(APP.format(extra=extra, options=options))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_record_saves_what_happened_when_it_is_ended(here: Path, number: int) -> None:
    write_app(here)
    with running("record", "shop:app", "-o", "out.jsonl", "--port", "0", cwd=here) as process:
        line = line_with("runs on", process.stdout)
        url = line.split()[3].rstrip(",")
        address = line.split()[-1].removeprefix(url)
        assert line == f"shop:app runs on {url}, its live timeline on {url}{address}\n"
        assert line_with("", process.stdout) == "Recording into out.jsonl; Ctrl-C ends it.\n"
        with httpx.Client(trust_env=False, base_url=url) as client:
            assert client.get("/_timeline/").status_code == 401
            client.get(address)
            assert client.get("/_timeline/").status_code == 200
            assert client.get("/").json() == "ordered"
            assert client.get("/nowhere").status_code == 404
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    # As uvicorn's own command logs.
    assert {line.split()[0] for line in err.splitlines()} == {"INFO:"}
    *log, _, found, _, last = out.splitlines()
    assert found == "Nothing was found that made anything late or fail."
    assert [line.partition(" - ")[2] for line in log] == [
        '"GET /_timeline/ HTTP/1.1" 401 Unauthorized',
        f'"GET {address} HTTP/1.1" 303 See Other',
        '"GET /_timeline/ HTTP/1.1" 200 OK',
        '"GET / HTTP/1.1" 200 OK',
        '"GET /nowhere HTTP/1.1" 404 Not Found',
    ]
    assert last == "2 requests are in out.jsonl; python -m visualize show out.jsonl shows them."
    timelines = load("out.jsonl")
    assert [(one.title, one.status, len(one.tasks)) for one in timelines] == [
        ("GET / #1", 200, 1),
        ("GET /nowhere #2", 404, 0),
    ]
    assert timelines[0].tasks[0].outcome == "ok"
    assert sorted(file.name for file in here.glob("*.jsonl*")) == ["out.jsonl"]


ENDLESS = """
async def wait() -> None:
    print("waiting", flush=True)
    await asyncio.sleep(3600)

app = FastAPI()
add_tasks(app)

@app.get("/endless")
async def endless(tasks: Tasks) -> None:
    tasks.task(shield=True).schedule(wait)
"""


def test_a_second_ctrl_c_waits_no_longer(here: Path) -> None:
    (here / "shop.py").write_text(APP.format(extra="", options="") + ENDLESS)
    with running("record", "shop:app", "--port", "0", cwd=here) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        httpx.get(f"{url}/endless", trust_env=False)
        line_with("waiting", process.stdout)
        process.send_signal(signal.SIGINT)
        line_with("Requests or tasks are still running; Ctrl-C again ends them.", process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in err
    last = out.splitlines()[-1]
    assert last == "1 request is in run.jsonl; python -m visualize show run.jsonl shows them."
    assert [task.outcome for task in load("run.jsonl")[0].tasks] == ["abandoned"]


def test_a_server_for_every_address_is_reached_on_this_machine(here: Path) -> None:
    write_app(here)
    with running("record", "shop:app", "--host", "0.0.0.0", "--port", "0", cwd=here) as process:
        line = line_with("runs on", process.stdout)
        assert line.split()[3].startswith("http://127.0.0.1:")
        assert httpx.get(line.split()[-1], trust_env=False).status_code == 303
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_record_writes_while_it_runs(here: Path) -> None:
    write_app(here)
    with running("record", "shop:app", "--port", "0", cwd=here) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        httpx.get(url, trust_env=False)
        part = here / "run.jsonl.part"
        while not part.read_bytes():
            assert process.poll() is None
        process.kill()
    assert [timeline.title for timeline in load(part)] == ["GET / #1"]


def test_record_without_a_request_leaves_the_old_file(here: Path, run_jsonl: Path) -> None:
    write_app(here)
    before = run_jsonl.read_bytes()
    with running("record", "shop:app", "--port", "0", cwd=here) as process:
        line_with("Recording", process.stdout)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "No request came, so nothing was written.\n")
    assert run_jsonl.read_bytes() == before
    assert not Path("run.jsonl.part").exists()


FAILING = """
from contextlib import asynccontextmanager

@asynccontextmanager
async def lifespan(app):
    raise LookupError("no database")
    yield
"""


@pytest.mark.parametrize(
    ("name", "app", "complaint"),
    [
        (
            "store:app",
            {},
            "there is no module store in {here} or among the installed packages: "
            "run this in the folder that holds it",
        ),
        ("shop:nothing", {}, "module shop has no nothing: give the name of its app"),
        (
            "shop:number",
            {},
            "shop:number is of type int, not an ASGI app: give the name of the app, "
            "or of a function without arguments that makes it",
        ),
        (
            "shop:app",
            {"extra": "1 / 0"},
            "importing shop failed: ZeroDivisionError: division by zero ({here}/shop.py, line 5)",
        ),
        (
            "shop:app",
            {"extra": "import nowhere"},
            "importing shop failed: ModuleNotFoundError: No module named 'nowhere' "
            "({here}/shop.py, line 5)",
        ),
    ],
)
def test_an_app_that_cannot_be_served_is_one_line(
    here: Path, name: str, app: dict[str, str], complaint: str
) -> None:
    write_app(here, **app)
    done = run("record", name, "--port", "0", cwd=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"visualize: {complaint.format(here=here)}\n"
    assert not (here / "run.jsonl.part").exists()


def test_of_a_lifespan_that_fails_the_whole_traceback_is_shown(here: Path) -> None:
    write_app(here, extra=FAILING, options="lifespan=lifespan")
    done = run("record", "shop:app", "--port", "0", cwd=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert f'File "{here}/shop.py", line 10, in lifespan' in done.stderr
    assert done.stderr.endswith(
        "visualize: the app did not start (LookupError: no database): look at its lifespan\n"
    )
    assert not (here / "run.jsonl.part").exists()


def test_a_taken_port_is_one_line(here: Path) -> None:
    write_app(here)
    with bind() as taken:
        port = taken.getsockname()[1]
        done = run("record", "shop:app", "--port", str(port), cwd=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"visualize: port {port} on 127.0.0.1 is taken by another program: "
        "give another port, or 0 for a free one\n"
    )


def test_a_place_that_cannot_be_written_is_told_before_the_app_is_served(here: Path) -> None:
    write_app(here)
    done = run("record", "shop:app", "--port", "0", "-o", "no/where.jsonl", cwd=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "visualize: cannot write no/where.jsonl (no such file or directory): give another place\n"
    )


def test_the_part_of_another_recording_is_left_alone(here: Path) -> None:
    write_app(here)
    (here / "run.jsonl.part").write_text("precious")
    done = run("record", "shop:app", "--port", "0", cwd=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "visualize: run.jsonl.part is there: another recording is running, or one was cut short. "
        "Wait for it, or look at the file and move it away\n"
    )
    assert (here / "run.jsonl.part").read_text() == "precious"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs a limit on file sizes")
def test_a_full_disk_is_told_at_the_end(here: Path) -> None:
    write_app(here)
    with running("record", "shop:app", "--port", "0", cwd=here) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100, 100))
        assert httpx.get(url, trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.endswith(
        "\nvisualize: cannot write run.jsonl.part (file too large): give another place\n"
    )


def test_a_task_that_comes_after_its_request_was_written_is_counted(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "QUIET", 0)
    monkeypatch.setattr(journal, "INTERVAL", 0.001)
    recorder = Recorder()
    with closing(Journal(recorder, Path("run.jsonl"))) as writer:
        timeline = Timeline(1, "http", "GET", "/", 0, recorder.clock())
        keeper_of(recorder).tell("request_start", timeline)
        timeline.request_end = recorder.clock()
        while not writer.count:
            pass
        keeper_of(recorder).tell("requested", timeline, checkout().tasks[0])
    assert (writer.count, writer.late) == (1, 1)
    assert load("run.jsonl") == [timeline]


def test_ctrl_c_is_put_off_while_a_file_is_written() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            assert came == []
        assert came == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_the_app_is_imported_ends_it(here: Path) -> None:
    write_app(here, extra="print('importing', flush=True); __import__('time').sleep(60)")
    with running("record", "shop:app", "--port", "0", cwd=here) as process:
        line_with("importing", process.stdout)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "interrupted\n")


# playground ----------------------------------------------------------------------------------


def test_the_playground_is_served_until_ctrl_c(here: Path) -> None:
    with running("playground", cwd=here) as process:
        line = line_with("playground", process.stdout)
        url = line.split()[4].rstrip(";")
        assert line == f"The playground is on {url}; Ctrl-C ends it.\n"
        with httpx.Client(trust_env=False, follow_redirects=True) as client:
            assert client.get(url.partition("?")[0]).status_code == 401
            assert client.get(url).status_code == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")
