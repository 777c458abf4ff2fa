"""What runs the library's tests on other versions: it finds them, and says so where it cannot."""

from __future__ import annotations

import sys

import pytest

from . import versions


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
    assert versions.main(["3.99"]) == 1  # nothing has run
    (line,) = capsys.readouterr().out.splitlines()
    assert line == "Python 3.99: skipped, it is not installed, and uv cannot download it here"


def test_a_version_that_nobody_named_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"no such versions: 2.7; there are \['3.11', "):
        versions.main(["2.7", "lowest"])
