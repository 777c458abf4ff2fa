"""S7: where output goes: behind links, into pipes and devices, never over somebody else's work."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fastapi_tasks import Recorder, Timeline, from_json, load, save
from fastapi_tasks.files import Output, beginning, target_of, writing
from fastapi_tasks.recorder import keeper_of
from visualize.cli.errors import CommandError
from visualize.cli.journal import Journal
from visualize.cli.main import main
from visualize.painters import PAINTERS, Painter

from .processes import environment
from .samples import checkout

NOBODY = 65_534

OTHERS = {
    "mine.html": b'<!doctype html>\n<main id="timeline" hidden>my own page</main>\n',
    "mine.png": b"\x89PNG\r\n\x1a\n...",
    "mine.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><!-- drawn by hand --></svg>',
    "mine.perfetto.json": b'{"displayTimeUnit":"ms","traceEvents":[\n\n]}\n',
    "mine.mmd": b"gantt\n  title My holidays\n",
}
"""Files that other programs make, with the endings of ours."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: str | Path, content: bytes = b"new") -> None:
    with writing(path) as file:
        file.write(content)


def mode(path: str | Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def names() -> list[str]:
    return sorted(file.name for file in Path().iterdir())


@contextmanager
def reader_of(pipe: Path) -> Iterator[list[bytes]]:
    """Read a named pipe until its writer is gone; what it said is there after the block."""
    os.mkfifo(pipe)
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    thread.start()
    yield got
    thread.join(20)
    assert stat.S_ISFIFO(os.lstat(pipe).st_mode)


class TestS7AFile:
    def test_is_new_with_the_mode_that_the_system_gives(self, here: Path) -> None:
        before = os.umask(0o027)
        try:
            put("new.txt")
        finally:
            os.umask(before)
        assert (Path("new.txt").read_bytes(), mode("new.txt")) == (b"new", 0o640)

    @pytest.mark.parametrize("kept", [0o600, 0o640, 0o666, 0o755])
    def test_keeps_its_mode(self, here: Path, kept: int) -> None:
        Path("old.txt").write_bytes(b"older")
        os.chmod("old.txt", kept)
        put("old.txt")
        assert (Path("old.txt").read_bytes(), mode("old.txt")) == (b"new", kept)

    def test_that_is_private_is_so_from_the_first_byte(self, here: Path) -> None:
        Path("old.txt").touch(0o600)
        with writing("old.txt") as file:
            file.write(b"secret")
            assert {mode(name) for name in names()} == {0o600}

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
    def test_keeps_its_owner(self, here: Path) -> None:
        Path("old.txt").write_bytes(b"older")
        os.chown("old.txt", NOBODY, NOBODY)
        put("old.txt")
        found = os.stat("old.txt")
        assert (found.st_uid, found.st_gid, Path("old.txt").read_bytes()) == (
            NOBODY,
            NOBODY,
            b"new",
        )

    def test_with_two_names_stays_one_file(self, here: Path) -> None:
        Path("old.txt").write_bytes(b"older")
        os.link("old.txt", "other.txt")
        put("old.txt")
        assert Path("other.txt").read_bytes() == b"new"
        assert names() == ["old.txt", "other.txt"]

    def test_stays_as_it_was_until_the_new_one_is_complete(self, here: Path) -> None:
        Path("old.txt").write_bytes(b"older")

        def half() -> None:
            with writing("old.txt") as file:
                file.write(b"half of it")
                file.flush()
                assert Path("old.txt").read_bytes() == b"older"
                raise LookupError

        with pytest.raises(LookupError):
            half()
        assert (Path("old.txt").read_bytes(), names()) == (b"older", ["old.txt"])

    def test_of_the_longest_name_is_written_too(self, here: Path) -> None:
        put("x" * 255)
        assert names() == ["x" * 255]

    def test_in_no_folder_is_refused(self, here: Path) -> None:
        with pytest.raises(FileNotFoundError):
            put("no/where.txt")

    @pytest.mark.parametrize("name", [".", "", "folder", "folder/"])
    def test_that_is_a_folder_is_refused(self, here: Path, name: str) -> None:
        Path("folder").mkdir()
        with pytest.raises(IsADirectoryError):
            put(name)
        assert names() == ["folder"]

    def test_under_an_unfinished_name_never_follows_what_is_laid_out_there(
        self, here: Path
    ) -> None:
        Path("trap").symlink_to("victim")
        with pytest.raises(FileExistsError):
            Output("out.txt", unfinished="trap")
        assert names() == ["trap"]


AS_NOBODY = f"""
import os, sys
from fastapi_tasks.files import writing
os.chdir(sys.argv[1])
os.setgid({NOBODY}); os.setuid({NOBODY})
try:
    with writing("shared/old.txt") as file:
        file.write(b"new")
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
class TestS7AFileOfSomebodyElse:
    def write(self, folder: Path, folder_mode: int, file_mode: int) -> tuple[str, bytes]:
        shared = folder / "shared"
        shared.mkdir()
        old = shared / "old.txt"
        old.write_bytes(b"much older")
        old.chmod(file_mode)
        shared.chmod(folder_mode)
        folder.chmod(0o711)
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(folder)],
            env=environment(), capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.stderr == ""
        assert [file.name for file in shared.iterdir()] == ["old.txt"]
        assert (old.stat().st_uid, mode(old)) == (0, file_mode)
        return done.stdout.strip(), old.read_bytes()

    @pytest.mark.parametrize("folder_mode", [0o777, 0o1777, 0o755])
    def test_is_written_itself_where_that_is_allowed(
        self, tmp_path: Path, folder_mode: int
    ) -> None:
        assert self.write(tmp_path, folder_mode, 0o666) == ("", b"new")

    @pytest.mark.parametrize("folder_mode", [0o777, 0o755])
    def test_that_may_not_be_written_is_not_replaced(
        self, tmp_path: Path, folder_mode: int
    ) -> None:
        assert self.write(tmp_path, folder_mode, 0o444) == ("PermissionError", b"much older")


class TestS7ALink:
    def test_stays_and_its_target_is_written(self, here: Path) -> None:
        Path("target.txt").write_bytes(b"older")
        Path("between").symlink_to("target.txt")
        Path("link").symlink_to("between")
        put("link")
        assert Path("link").is_symlink()
        assert Path("between").is_symlink()
        assert Path("target.txt").read_bytes() == b"new"
        assert names() == ["between", "link", "target.txt"]

    def test_into_another_folder_is_followed_from_where_it_stands(self, here: Path) -> None:
        Path("far/away").mkdir(parents=True)
        Path("far/link").symlink_to("away/target.txt")
        Path("folder").symlink_to("far")
        put("folder/link")
        assert Path("far/away/target.txt").read_bytes() == b"new"
        assert Path("far/link").is_symlink()

    def test_that_leads_to_itself_is_refused(self, here: Path) -> None:
        Path("a").symlink_to("b")
        Path("b").symlink_to("a")
        with pytest.raises(OSError, match="symbolic links"):
            put("a")


class TestS7WhatIsNoFile:
    def test_a_pipe_gets_the_bytes(self, here: Path) -> None:
        with reader_of(Path("pipe")) as got:
            put("pipe", b"x" * 200_000)
        assert got == [b"x" * 200_000]

    def test_a_link_to_a_pipe_too(self, here: Path) -> None:
        with reader_of(Path("pipe")) as got:
            Path("link").symlink_to("pipe")
            put("link")
        assert (got, Path("link").is_symlink()) == ([b"new"], True)

    def test_a_device_stays_one(self, here: Path) -> None:
        put("/dev/null")
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
        with pytest.raises(OSError, match="No space left"):
            put("/dev/full")

    def test_an_open_file_gets_the_bytes_after_what_is_in_it(self, here: Path) -> None:
        script = (
            "from fastapi_tasks.files import writing\n"
            "print(1, end='', flush=True)\n"
            "with writing('/dev/stdout') as file: file.write(b'2')"
        )
        with Path("log").open("wb") as log:
            subprocess.run(
                [sys.executable, "-c", script], stdout=log, env=environment(), check=True,
                timeout=60,
            )  # fmt: skip
        assert (Path("log").read_bytes(), names()) == (b"12", ["log"])

    def test_has_no_beginning_and_no_target(self) -> None:
        assert (beginning("/dev/zero"), target_of("/dev/zero")) == (None, None)


class TestSave:
    def test_replaces_a_recording(self, here: Path) -> None:
        save(checkout(1), "run.jsonl")
        save([checkout(2), checkout(3)], "run.jsonl")
        assert [one.id for one in load("run.jsonl")] == [2, 3]

    def test_replaces_an_empty_file(self, here: Path) -> None:
        Path("run.jsonl").touch()
        save(checkout(1), "run.jsonl")
        assert load("run.jsonl") == [checkout(1)]

    def test_replaces_nothing_else_unless_told_to(self, here: Path) -> None:
        Path("shop.py").write_text("precious = 1\n")
        with pytest.raises(FileExistsError) as caught:
            save(checkout(1), "shop.py")
        assert str(caught.value) == (
            "shop.py is there and holds no recording: give another name, or force=True"
        )
        assert Path("shop.py").read_text() == "precious = 1\n"
        save(checkout(1), "shop.py", force=True)
        assert load("shop.py") == [checkout(1)]

    def test_that_fails_leaves_the_old_recording(self, here: Path) -> None:
        save(checkout(1), "run.jsonl")

        def failing() -> Iterator[Timeline]:
            yield checkout(2)
            raise LookupError

        with pytest.raises(LookupError):
            save(failing(), "run.jsonl")
        assert load("run.jsonl") == [checkout(1)]
        assert names() == ["run.jsonl"]


class TestJournal:
    """What `record` writes into."""

    def journal(self, path: str, *, force: bool = False) -> tuple[Journal, Recorder]:
        recorder = Recorder()
        return Journal(recorder, Path(path), force=force), recorder

    def record(self, recorder: Recorder) -> None:
        keeper_of(recorder).tell("request_start", checkout(9))

    def test_replaces_nothing_but_a_recording_unless_told_to(self, here: Path) -> None:
        Path("shop.py").write_text("precious = 1\n")
        with pytest.raises(CommandError) as caught:
            self.journal("shop.py")
        assert str(caught.value) == (
            "shop.py is there and holds no recording of ours: give another name, "
            "or --force to replace it"
        )
        assert names() == ["shop.py"]
        for path, force in (("shop.py", True), ("shop.py", False)):
            journal, recorder = self.journal(path, force=force)
            self.record(recorder)
            journal.close()
        assert load("shop.py") == [checkout(9)]

    def test_keeps_what_has_come_there_meanwhile_and_its_own_part(self, here: Path) -> None:
        journal, recorder = self.journal("run.jsonl")
        self.record(recorder)
        Path("run.jsonl").write_text("precious")
        with pytest.raises(CommandError, match=r"; the recording is in run\.jsonl\.part$"):
            journal.close()
        assert Path("run.jsonl").read_text() == "precious"
        assert load("run.jsonl.part") == [checkout(9)]

    def test_follows_a_link_and_keeps_the_mode(self, here: Path) -> None:
        Path("far").mkdir()
        Path("far/run.jsonl").touch(0o600)
        Path("link.jsonl").symlink_to("far/run.jsonl")
        journal, recorder = self.journal("link.jsonl")
        assert mode("far/run.jsonl.part") == 0o600
        self.record(recorder)
        journal.close()
        assert Path("link.jsonl").is_symlink()
        assert (load("far/run.jsonl"), mode("far/run.jsonl")) == ([checkout(9)], 0o600)
        assert [file.name for file in Path("far").iterdir()] == ["run.jsonl"]

    def test_writes_into_a_pipe_and_a_device(self, here: Path) -> None:
        with reader_of(Path("pipe")) as got:
            journal, recorder = self.journal("pipe")
            self.record(recorder)
            journal.close()
        assert from_json(got[0].decode()) == [checkout(9)]
        journal, recorder = self.journal("/dev/null")
        self.record(recorder)
        journal.close()
        assert names() == ["pipe"]
        assert not Path("/dev/null.part").exists()


class TestShow:
    @pytest.fixture(autouse=True)
    def _recording(self, here: Path) -> None:
        save([checkout(1)], "run.jsonl")

    @pytest.fixture(autouse=True)
    def _output(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.output = capfd

    def show(self, *arguments: str) -> tuple[int, str, str]:
        return (main(["show", "run.jsonl", *arguments]), *self.output.readouterr())

    @pytest.mark.parametrize("painter", PAINTERS, ids=lambda painter: painter.form)
    def test_replaces_what_it_wrote_before_and_nothing_else(self, painter: Painter) -> None:
        option = f"--{painter.form}"
        assert self.show(option, "out")[0] == 0
        written = Path("out").read_bytes()
        assert self.show(option, "out")[0] == 0
        Path("out").write_bytes(b"precious")
        code, out, err = self.show(option, "out")
        assert (code, out) == (2, "")
        assert err == (
            f"visualize: out is there and holds no {painter.kind} of ours: give another name, "
            "or --force to replace it\n"
        )
        assert Path("out").read_bytes() == b"precious"
        assert self.show(option, "out", "--force")[0] == 0
        assert Path("out").read_bytes() == written

    def test_never_replaces_what_stands_where_nobody_named_a_file(self) -> None:
        Path("run.html").write_text("<p>notes on this run</p>")
        code, _, err = self.show("--html")
        assert (code, err.count("\n")) == (2, 1)
        assert Path("run.html").read_text() == "<p>notes on this run</p>"

    @pytest.mark.parametrize("painter", PAINTERS, ids=lambda painter: painter.form)
    def test_never_replaces_the_same_kind_of_file_of_others(self, painter: Painter) -> None:
        name = f"mine{painter.ending}"
        Path(name).write_bytes(OTHERS[name])
        code, _, err = self.show(f"--{painter.form}", name)
        assert (code, "of ours: give another name, or --force" in err) == (2, True)
        assert Path(name).read_bytes() == OTHERS[name]

    @pytest.mark.parametrize("painter", PAINTERS, ids=lambda painter: painter.form)
    def test_never_replaces_a_recording_whatever_its_names_are(self, painter: Painter) -> None:
        timeline = checkout(5)
        timeline.path = painter.sign.decode()
        save(timeline, "other.jsonl")
        code, _, err = self.show(f"--{painter.form}", "other.jsonl")
        assert (code, "of ours: give another name, or --force" in err) == (2, True)
        assert load("other.jsonl") == [timeline]

    @pytest.mark.parametrize("twin", ["page", "./page", "link"])
    def test_refuses_two_outputs_in_one_file(self, twin: str) -> None:
        Path("link").symlink_to("page")
        before = names()
        code, out, err = self.show("--html", "page", "--svg", twin)
        assert (code, out) == (2, "")
        assert err == (
            f"visualize: --html and --svg would both be written to {Path(twin)}: "
            "give each a file of its own\n"
        )
        assert names() == before

    def test_goes_where_a_link_a_pipe_and_a_private_file_are(self) -> None:
        Path("target.html").touch()
        Path("link.html").symlink_to("target.html")
        Path("private.html").touch(0o600)
        with reader_of(Path("pipe.html")) as got:
            for name in ("link.html", "pipe.html", "private.html"):
                assert self.show("--html", name)[0] == 0
        page = Path("target.html").read_bytes()
        assert page.startswith(b"<!doctype html>")
        assert Path("link.html").is_symlink()
        assert got == [page]
        assert (Path("private.html").read_bytes(), mode("private.html")) == (page, 0o600)
