"""A pytest plugin: the timelines of a test's requests, to assert on and to look at when it fails.

Nothing but pytest is imported until a test asks for the fixture, or the run for `--timeline`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .view import Timelines

__all__ = ["Timelines", "timelines"]

WHEN = ("off", "on", "retain-on-failure")
FOLDER = "timelines"


def __getattr__(name: str) -> Any:
    # For annotations in tests; imported when it is first used.
    if name == "Timelines":
        from .view import Timelines

        return Timelines
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say what can be asked for, in the command line and in the configuration."""
    group = parser.getgroup("timeline", "timelines of requests and their background tasks")
    group.addoption(
        "--timeline", choices=WHEN, default=None,
        help="write the timelines of each test's requests as a page: never (off, the default), "
        "of all tests (on), or of those that fail (retain-on-failure), whose report shows them too",
    )  # fmt: skip
    group.addoption(
        "--timeline-dir", metavar="DIR", default=None,
        help=f"folder for the pages (default: {FOLDER}, beside the configuration)",
    )  # fmt: skip
    parser.addini("timeline", "default of --timeline", default="off")
    parser.addini("timeline_dir", "default of --timeline-dir", default=FOLDER)


def pytest_configure(config: pytest.Config) -> None:
    """Look at every test, if that was asked for."""
    when = config.getoption("timeline") or config.getini("timeline")
    if when not in WHEN:
        raise pytest.UsageError(f"timeline = {when!r}: write one of {', '.join(WHEN)}")
    if when == "off":
        return
    from .keeping import Keeping

    given = config.getoption("timeline_dir")
    # What is typed counts from where one stands; what is configured, from the configuration.
    folder = (
        config.invocation_params.dir / given
        if given
        else config.rootpath / config.getini("timeline_dir")
    )
    # Workers of pytest-xdist take over the options, and may stand elsewhere.
    config.option.timeline_dir = str(folder)
    config.pluginmanager.register(Keeping(folder, every=when == "on"), "timeline-keeping")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the apps of this process alone again."""
    if config.stash.get(_FOUND, False):
        from .apps import finder

        finder.uninstall()


_FOUND = pytest.StashKey[bool]()


@pytest.fixture
def timelines(request: pytest.FixtureRequest) -> Iterator[Timelines]:
    """The requests that the app under test gets from now on, and their background tasks.

    `timelines.last` is the latest one, `timelines.last.order` the names of its tasks in the order
    of their start, `timelines.last.task("mail")` one of them.
    """
    # No module here is called as the fixture is: it would take its place.
    from .apps import finder
    from .view import Timelines

    request.config.stash[_FOUND] = True
    with finder.seen() as requests:
        yield Timelines(requests, finder)
