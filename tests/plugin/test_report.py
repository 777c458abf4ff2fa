"""What is shown of a test that fails, and the page that is written of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# Whatever a run in this process imports first would be gone after it.
from visualize.pytest_plugin.pages import page_of

from .suites import FAILING, SHOP, pages, result_of

pytest_plugins = ["pytester"]


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
