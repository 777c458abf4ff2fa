"""What runs the library's tests on other versions: it finds them, and says so where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from . import newer_debian, versions


def test_the_versions_are_those_that_the_package_says_it_runs_on() -> None:
    assert versions.PYTHONS == ["3.11", "3.12", "3.13", "3.14"]


def test_the_tests_of_the_library_are_found_and_those_that_paint_are_not() -> None:
    found = set(versions.library_tests())
    assert {f"tests/test_{name}.py" for name in ("timing", "isolation", "shutdown")} <= found
    assert not {f"tests/test_{name}.py" for name in ("figure", "page", "cli", "docs")} & found
    assert len(found) > 30


def test_the_interpreter_that_runs_is_found_without_asking_anybody() -> None:
    here = ".".join(map(str, sys.version_info[:2]))
    assert versions.find(here) == versions.Python(here, sys.executable)


def test_one_that_cannot_be_had_is_said_in_one_line_and_skipped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("uv", reason="uv is not installed")
    monkeypatch.setattr(versions, "PYTHONS", ["3.99"])
    monkeypatch.setattr(newer_debian, "SUITES", ())  # to ask them takes a while
    assert versions.main(["3.99"]) == 1  # nothing has run
    (line,) = capsys.readouterr().out.splitlines()
    assert (
        line
        == "Python 3.99: skipped, it is not installed, and neither uv nor Debian brings it here"
    )


def test_a_version_that_nobody_named_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"no such versions: 2.7; there are \['3.11', "):
        versions.main(["2.7", "lowest"])


@pytest.mark.slow
def test_a_newer_debian_has_one_that_runs_here_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    path = uv and newer_debian.bring("3.14", tmp_path / "python", uv)
    if not path:
        pytest.skip("there is no uv, or no apt that reaches a newer Debian")
    said = subprocess.run(
        [path, "-c", "import ctypes, sqlite3, ssl, sys; print(sys.version_info[:2])"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (said.stdout, said.stderr) == ("(3, 14)\n", "")
    assert newer_debian.bring("3.14", tmp_path / "python", uv="") == path  # fetched once


def test_where_there_is_no_apt_nothing_is_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert newer_debian.bring("3.14", tmp_path / "python", "uv") is None
    assert list(tmp_path.iterdir()) == []
