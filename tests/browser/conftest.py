from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.short import short_assets
from visualize.page import to_html

from .screen import Screen
from .source import Source, serving

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SIZE = {"width": 1280, "height": 800}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package", autouse=True)
def short() -> Iterator[None]:
    """Show what those see who installed a wheel, where the minifier is installed."""
    with short_assets():
        yield


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, headless; without it, or without playwright, the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def window(chromium: Any) -> Iterator[Screen]:
    """The window that most tests share, one after another: to open one takes half a second."""
    screen = Screen(chromium.new_context(viewport=SIZE))
    yield screen
    screen.close()


@pytest.fixture
def screen(window: Screen) -> Iterator[Screen]:
    """A window in which an error, or a request beyond its own origin, fails the test."""
    window.troubles.clear()
    yield window
    assert window.troubles == []


@pytest.fixture
def new_screen(chromium: Any) -> Iterator[Callable[..., Screen]]:
    """Open windows of other sizes and kinds, which fail the test like `screen`."""
    screens: list[Screen] = []

    def new(
        *,
        width: int = SIZE["width"],
        height: int = SIZE["height"],
        ours: bool = True,
        **kind: Any,
    ) -> Screen:
        size = {"width": width, "height": height}
        screens.append(Screen(chromium.new_context(viewport=size, **kind), ours=ours))
        return screens[-1]

    yield new
    for screen in screens:
        screen.close()
    assert [trouble for screen in screens for trouble in screen.troubles] == []


@pytest.fixture
def show(
    screen: Screen, new_screen: Callable[..., Screen], tmp_path: Path
) -> Callable[..., Screen]:
    """Show timelines as the HTML file that `to_html` makes of them."""

    def show(timelines: Any, *, align: Any = None, title: str = "Test", **window: Any) -> Screen:
        chosen = new_screen(**window) if window else screen
        file = tmp_path / "timeline.html"
        file.write_text(to_html(timelines, title=title, align=align), encoding="utf-8")
        chosen.open(file.as_uri())
        return chosen

    return show


@pytest.fixture
def source() -> Iterator[Source]:
    """A server of live pages."""
    with serving() as source:
        yield source


@pytest.fixture
def live(source: Source, screen: Screen) -> Iterator[Callable[[], Screen]]:
    """Open the live page and wait until it is connected; leave it before its server stops."""

    def live() -> Screen:
        screen.open(source.url)
        source.connections.get(timeout=10)
        return screen

    yield live
    troubles = [*screen.troubles]
    screen.page.goto("about:blank")
    screen.troubles[:] = troubles
