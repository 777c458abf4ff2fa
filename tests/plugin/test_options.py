"""When the plugin does something, when it does nothing, and how it explains itself."""

from __future__ import annotations

import sys

import pytest

# Whatever a run in this process imports first would be gone after it.
from ..test_readme import block
from .suites import FAILING, SHOP, pages, result_of

pytest_plugins = ["pytester"]


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


def test_a_suite_that_does_not_ask_imports_nothing_of_it(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_sum="""
import sys

def test_sum():
    found = {name.partition(".")[0] for name in sys.modules}
    assert not found & {"fastapi", "starlette", "pydantic", "matplotlib", "anyio", "fastapi_tasks"}
    ours = {name for name in sys.modules if name.startswith("visualize")}
    lists = {"visualize.painters", "visualize.signs"}
    assert ours <= {"visualize", "visualize.pytest_plugin", *lists}
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
