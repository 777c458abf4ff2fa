"""One line for a recording that cannot be read, and for whatever was typed wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fastapi_tasks import to_json

from ..processes import Command, run
from ..samples import checkout

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
            ("show", "run.jsonl", "-o", "run.html"),
            2,
            "show does not take -o run.html (python -m visualize show --help shows what it takes)",
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
