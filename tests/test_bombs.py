"""Recordings that nobody has recorded: each is one line of complaint, in bounded memory."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastapi_tasks import (
    Busy,
    ClientView,
    Span,
    TaskRecord,
    Timeline,
    from_json,
    load,
    merge,
    save,
    to_json,
)
from fastapi_tasks import recording as reading
from fastapi_tasks.errors import RecordingError
from fastapi_tasks.facts import moments
from visualize import difference, explain, plot, summary, text, to_html, to_perfetto, to_png
from visualize.cli import recordings
from visualize.cli.main import main

from .processes import environment
from .samples import checkout

GOOD = json.loads(to_json(checkout()))
FARTHEST = 2**62 - 1


def line(**changed: Any) -> str:
    return json.dumps({**GOOD, **changed}) + "\n"


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


ONE = '{"format":1,"id":1,"kind":"http","method":"GET","path":"/","wall":0,"request_start":0'

BOMBS = {
    "an id of 400 digits": (ONE.replace('"id":1', f'"id":{"9" * 400}') + "}", "id: no clock and"),
    "an id of 10,000 digits": (ONE.replace('"id":1', f'"id":{"9" * 10_000}') + "}", ""),
    "an id of a million digits": (ONE.replace('"id":1', f'"id":{"9" * 1_000_000}') + "}", ""),
    "a moment beyond any clock": (line(request_end=2**63), "request_end: no clock and no counter"),
    "a moment just beyond": (line(request_end=FARTHEST + 1), "request_end: no clock"),
    "a moment long before": (line(wall=-FARTHEST - 1), "wall: no clock"),
    "a task's moment": (line(tasks=[GOOD["tasks"][0] | {"started": 10**30}]), "tasks.0.started:"),
    "a span's parent": (
        line(spans=[{"name": "q", "kind": "sql", "start": 0, "parent": 10**30}]),
        "spans.0.parent: no clock",
    ),
    "a busy segment": (line(busy=[{"start": 0, "end": 10**30, "culprit": "x"}]), "busy.0.end: no"),
    "a client's moment": (line(client={"sent": -(10**30)}), "client.sent: no clock"),
    "a status": (line(status=10**30), "status: no clock"),
    "a fraction": (line(wall=1.5), "wall: input should be a valid integer"),
    "a number without end": (ONE.replace('"wall":0', '"wall":1e400') + "}", "wall: "),
    "infinity": (ONE.replace('"wall":0', '"wall":Infinity') + "}", ""),
    "no number": (ONE.replace('"wall":0', '"wall":NaN') + "}", ""),
    "what is nested deep": (nested(100_000), "nested too deep"),
    "what is nested deep in a field": (ONE + f',"x":{nested(100_000)}}}', ""),
    "what is nested deep in another order": ('{"x":' + nested(100_000) + ONE[1:] + "}", ""),
    "attributes that are no words": (
        line(spans=[{"name": "q", "kind": "sql", "start": 0, "attributes": {"x": {"y": 1}}}]),
        "attributes.x: input should be a valid string",
    ),
    "an attribute with a very long name": (
        line(spans=[{"name": "q", "kind": "sql", "start": 0, "attributes": {"x" * 10**6: 1}}]),
        "attributes.xxx",
    ),
    "a version that is very long": ('{"format":"' + "x" * 10**6 + '"}', "has format version 'xxx"),
    "zeros": ("\0" * 1000, "not a whole JSON object"),
    "half of a surrogate pair": (ONE + ',"route":"\udce9"}', ""),
    "nothing": ("null", "is not a timeline"),
    "a list": ("[]", "is not a timeline"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_one_line_that_names_its_own(bomb: str) -> None:
    content, complaint = BOMBS[bomb]
    with pytest.raises(RecordingError) as caught:
        from_json(line() + content)
    said = str(caught.value)
    assert said.startswith("line 2 ")
    assert complaint in said
    assert said.isprintable()
    assert len(said) < 300
    assert caught.value.line == 2
    assert caught.value.timelines == [checkout()]


def test_a_circle_of_parents_is_drawn_all_the_same() -> None:
    spans = [Span("a", "sql", 1, 2, parent=1, id=0), Span("b", "sql", 1, 2, parent=0, id=1)]
    tasks = [TaskRecord("t", "immediate", 1, 1, 1, 2, "ok", parent=0, id=0)]
    timeline = Timeline(1, "http", "GET", "/", 0, 0, request_end=9, spans=spans, tasks=tasks)
    (read,) = from_json(to_json(timeline))
    assert read == timeline
    for paint in (text, to_html, to_perfetto, str):
        assert paint(read)


def extreme(early: int, late: int) -> Timeline:
    """A request each of whose moments is as far away as a recording may say."""

    def spread(record: Any) -> Any:
        for number, name in enumerate(moments(type(record))):
            setattr(record, name, (early, late)[number % 2])
        return record

    timeline = spread(Timeline(FARTHEST, "http", "GET", "/", early, 0, status=200))
    timeline.tasks = [
        spread(TaskRecord("t", mode, 0, outcome="ok")) for mode in ("immediate", "after_response")
    ]
    timeline.spans = [spread(Span("s", "sql", 0))]
    timeline.busy = [spread(Busy(0, 0, "t", line="x.py:1 in t"))]
    timeline.client = spread(ClientView(0))
    return Timeline(**{name: getattr(timeline, name) for name in timeline.__slots__})


@pytest.mark.parametrize(("early", "late"), [(-FARTHEST, FARTHEST), (FARTHEST, -FARTHEST), (0, 0)])
@pytest.mark.parametrize(
    "paint",
    [
        text, to_html, to_perfetto, str, repr, merge, explain, summary,
        lambda one: difference(one, one),
        lambda one: to_png(plot(one)),
    ],
    ids=[
        *("text", "html", "perfetto", "str", "repr", "merge", "explain", "summary"),
        *("difference", "figure"),
    ],
)  # fmt: skip
def test_what_may_be_read_can_be_shown(
    early: int, late: int, paint: Callable[[Any], object]
) -> None:
    (read,) = from_json(to_json(extreme(early, late)))
    assert read == extreme(early, late)
    paint([read] if paint not in (str, repr) else read)


class TestLoad:
    def test_hands_on_what_was_before_a_damaged_line(self, tmp_path: Path) -> None:
        path = tmp_path / "run.jsonl"
        path.write_text(to_json([checkout(1), checkout(2)]) + "oops\n" + to_json(checkout(3)))
        with pytest.raises(RecordingError, match=r"run\.jsonl: line 3 is not a whole") as caught:
            load(path)
        assert [one.id for one in caught.value.timelines] == [1, 2]
        assert (caught.value.line, caught.value.cut) == (3, False)

    def test_says_that_a_last_line_was_cut_off(self, tmp_path: Path) -> None:
        path = tmp_path / "run.jsonl"
        path.write_bytes(to_json([checkout(1), checkout(2)]).encode()[:-100])
        with pytest.raises(RecordingError, match="line 2 is not a whole JSON object") as caught:
            load(path)
        assert (caught.value.line, caught.value.cut) == (2, True)
        assert caught.value.timelines == [checkout(1)]

    def test_needs_no_line_break_at_the_end_and_minds_none_of_another_system(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "run.jsonl"
        lines = to_json([checkout(1), checkout(2)])
        for content in (lines.rstrip("\n"), lines.replace("\n", "\r\n"), f"\ufeff\n \n{lines}"):
            path.write_text(content, encoding="utf-8", newline="")
            assert load(path) == [checkout(1), checkout(2)]

    def test_reads_a_line_of_many_tasks(self, tmp_path: Path) -> None:
        tasks = [TaskRecord("t", "immediate", at, at, at, at, "ok") for at in range(20_000)]
        timeline = Timeline(1, "websocket", "WS", "/", 0, 0, tasks=tasks)
        save(timeline, tmp_path / "run.jsonl")
        assert load(tmp_path / "run.jsonl") == [timeline]

    def test_ends_a_line_that_has_no_end(self) -> None:
        with pytest.raises(RecordingError) as caught:
            load("/dev/zero")
        assert str(caught.value) == (
            "/dev/zero: line 1 is longer than 64 MiB, and no timeline is: "
            "give a file that was written by save() or the record command"
        )

    def test_reads_a_pipe_to_its_end(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=lambda: pipe.write_text(to_json([checkout(1)])))
        writer.start()
        assert load(pipe) == [checkout(1)]
        writer.join()

    @pytest.mark.parametrize("path", ["/", "/dev/null/x", "/nowhere"])
    def test_of_what_is_no_file_raises_what_the_system_says(self, path: str) -> None:
        with pytest.raises(OSError, match="director"):
            load(path)


class TestShow:
    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "100")

    @pytest.fixture
    def show(self, capfd: pytest.CaptureFixture[str]) -> Callable[[str], tuple[int, str, str]]:
        return lambda path: (main(["show", path, "--perfetto", "-"]), *capfd.readouterr())

    def test_of_a_recording_that_was_cut_off_shows_what_is_whole(self, show: Any) -> None:
        content = to_json([checkout(1), checkout(2), checkout(3)]).encode()
        Path("run.jsonl.part").write_bytes(content[:-100])
        code, out, err = show("run.jsonl.part")
        assert (code, out) == (0, to_perfetto([checkout(1), checkout(2)]))
        assert err == "visualize: run.jsonl.part: line 3 is cut off; all before it is read\n"
        assert Path("run.jsonl.part").read_bytes() == content[:-100]

    def test_of_a_recording_that_is_damaged_in_the_middle_shows_nothing(self, show: Any) -> None:
        Path("run.jsonl").write_text(to_json(checkout(1)) + '{"format":1\n' + to_json(checkout(2)))
        code, out, err = show("run.jsonl")
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith("visualize: run.jsonl: line 2 is not a whole JSON object")

    def test_of_one_whose_only_line_is_cut_off_is_an_error(self, show: Any) -> None:
        Path("run.jsonl").write_text(to_json(checkout(1))[:-20])
        code, out, err = show("run.jsonl")
        assert (code, out) == (1, "")
        assert err.startswith("visualize: run.jsonl: line 1 is not a whole JSON object")

    @pytest.mark.parametrize(
        ("path", "complaint"),
        [
            ("/dev/zero", "/dev/zero: line 1 is longer than 64 MiB, and no timeline is: give a"),
            ("/dev/urandom", "/dev/urandom: line "),
            ("/dev/null", "/dev/null holds no request: record some, then show them"),
            ("/", "cannot read / (is a directory): give a file that the record command wrote"),
            ("/proc/self/mem", "cannot read /proc/self/mem (input/output error): give a file"),
            (sys.executable, f"{sys.executable}: line 1 is not text (invalid "),
        ],
    )
    def test_of_what_is_no_recording_is_one_line(
        self, show: Any, path: str, complaint: str
    ) -> None:
        code, out, err = show(path)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith(f"visualize: {complaint}")

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
    def test_of_what_may_not_be_read_is_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "run.jsonl"
        save(checkout(), path)
        save(checkout(), tmp_path / "other.jsonl")
        path.chmod(0)
        tmp_path.chmod(0o711)
        script = (
            "import contextlib, os, sys\n"
            "from visualize.cli.main import main\n"
            "with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):\n"
            "    main(['show', 'other.jsonl'])  # imports all there is\n"
            "os.setgid(65534); os.setuid(65534)\n"
            "sys.exit(main(['show', 'run.jsonl']))"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environment(),
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            "visualize: cannot read run.jsonl (permission denied): "
            "give a file that the record command wrote\n"
        )
        assert stat.S_IMODE(path.stat().st_mode) == 0

    def test_reads_a_pipe_that_a_shell_makes(self) -> None:
        save(checkout(), "run.jsonl")
        command = f"{sys.executable} -m visualize show <(cat run.jsonl) --perfetto -"
        done = subprocess.run(
            ["bash", "-c", command], env=environment(), capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == to_perfetto([checkout()])


MANY = 300_000

COUNT = """
import resource, sys
from pathlib import Path
from visualize.cli import recordings
recordings.MOST = 1000
recordings.read(Path(sys.argv[1]))
few = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
timelines = recordings.read(Path(sys.argv[2]))
print(len(timelines), timelines[0].id, timelines[-1].id)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - few)
"""


class TestALongRecording:
    def test_is_read_in_bounded_memory(self, tmp_path: Path) -> None:
        for name, many in (("few", 1000), ("many", MANY)):
            with (tmp_path / name).open("w") as file:
                for number in range(1, many + 1):
                    file.write(ONE.replace('"id":1', f'"id":{number}') + "}\n")
        done = subprocess.run(
            [sys.executable, "-c", COUNT, "few", "many"], cwd=tmp_path, env=environment(),
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        read, grown = done.stdout.splitlines()
        assert read == f"1000 {MANY - 999} {MANY}"
        assert done.stderr == (
            "visualize: many: it holds 300,000 requests, and the last 1,000 of them are read\n"
        )
        # Its lines alone would take 30,000 kB, and what is read of them 300,000.
        assert int(grown) < 10_000

    def test_of_long_lines_holds_fewer(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "run.jsonl"
        save([checkout(number) for number in range(10, 20)], path)
        monkeypatch.setattr(recordings, "MOST_BYTES", 3 * len(to_json(checkout(10))))
        assert [one.id for one in recordings.read(path)] == [17, 18, 19]
        assert capsys.readouterr().err.endswith(
            "run.jsonl: it holds 10 requests, and the last 3 of them are read\n"
        )

    def test_says_how_far_it_is_on_a_terminal(self, tmp_path: Path) -> None:
        script = (
            "from visualize.cli import progress, recordings\n"
            "from pathlib import Path\n"
            "progress.PAUSE = 0\n"
            "recordings.read(Path('run.jsonl'))"
        )
        line = f"{ONE}}}\n"
        (tmp_path / "run.jsonl").write_text(line * 10_000)
        ours, theirs = pty.openpty()
        subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environment(), stderr=theirs,
            timeout=60, check=True,
        )  # fmt: skip
        os.close(theirs)
        said = os.read(ours, 10_000).decode()
        os.close(ours)
        clear = "\r\033[K"
        assert said.split(clear) == [
            "Reading run.jsonl …",
            "Reading run.jsonl … 4,096 lines, 40 %",
            "Reading run.jsonl … 8,192 lines, 81 %",
            "Reading run.jsonl … 40 % of its requests",
            "Reading run.jsonl … 81 % of its requests",
            "",
        ]

    def test_whose_lines_are_too_long_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "LONGEST", 1 << 20)
        path = tmp_path / "run.jsonl"
        path.write_text(to_json(checkout()) + ONE + ' "' + "x" * (1 << 20))
        with pytest.raises(RecordingError, match="line 2 is longer than 1 MiB") as caught:
            load(path)
        assert caught.value.timelines == [checkout()]
