"""Follows each test's requests, and keeps their timelines as was asked."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .pages import page_of, remove_page

if TYPE_CHECKING:
    from .apps import Seen

TITLE = "timeline"
"""Of the section in the report of a test that failed."""


class Keeping:
    """What is registered when timelines are wanted; `every` says of tests that pass, too."""

    def __init__(self, folder: Path, *, every: bool) -> None:
        self._folder = folder
        self._every = every
        self._seen: Seen | None = None
        self._failed = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Collect the requests of one test, those of its fixtures included."""
        # Not before the first test: whoever only collects tests needs none of it.
        from .apps import finder

        with finder.seen() as seen:
            self._seen = seen
            self._failed = False
            try:
                return (yield)
            finally:
                self._seen = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show the timelines of what failed, and write them down."""
        report = yield
        seen = self._seen
        if seen is None:
            return report
        page = page_of(self._folder, item.nodeid)
        if report.failed:
            self._failed = True
            if seen.requests:
                report.sections.append((TITLE, _shown(seen, page, item.nodeid)))
        if report.when == "teardown":
            # Once more: by now tasks have ended that were under way when it failed.
            self._keep(seen, page, item)
        return report

    def _keep(self, seen: Seen, page: Path, item: pytest.Item) -> None:
        if not seen.requests or not (self._every or self._failed):
            # That of an earlier run, in which the test failed.
            remove_page(page)
            return
        complaint = _written(seen, page, item.nodeid)
        if complaint and not self._failed:
            item.warn(pytest.PytestWarning(complaint))

    def pytest_unconfigure(self) -> None:
        """Leave the apps of this process alone again."""
        from .apps import finder

        finder.uninstall()


def _shown(seen: Seen, page: Path, title: str) -> str:
    from .words import words

    complaint = _written(seen, page, title)
    try:
        said = words(seen)
    except Exception as error:
        # No report is to be lost to its picture.
        said = f"this could not be drawn ({type(error).__name__}: {error})\n"
    return f"{said}\n{complaint or f'written: {page}'}"


def _written(seen: Seen, page: Path, title: str) -> str | None:
    """Write the page; return in one line why it could not be written, None if it was."""
    from .pages import write_page

    try:
        write_page(page, seen.copies(), title)
    except OSError as error:
        return f"cannot write {page} ({(error.strerror or str(error)).lower()})"
    except Exception as error:
        return f"cannot draw {page} ({type(error).__name__}: {error})"
    return None
