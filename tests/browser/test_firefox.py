"""The viewer in Debian's Firefox, in short: it opens, zooms, filters, lists, saves, follows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastapi_tasks.recording import from_json, to_json
from tests.samples import checkout, random_timelines
from visualize.page import to_html

from .source import HANG_UP, NOW, Source

pytest.importorskip("websockets", reason="websockets is not installed")

from .firefox import Firefox, running

V = "document.querySelector('#timeline').viewer.state"
TEXTS = f"{V}.labels.map(({{ words }}) => words)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.skip("Firefox is not installed: apt-get install firefox-esr")
    with running(path, tmp_path_factory.mktemp("firefox")) as firefox:
        firefox.size(1280, 800)
        yield firefox


@pytest.fixture
def firefox(browser: Firefox) -> Iterator[Firefox]:
    """A window in which nothing may be said on the console."""
    browser.troubles.clear()
    browser.requests.clear()
    yield browser
    troubles = [*browser.troubles]
    browser.call("browsingContext.navigate", context=browser.window, url="about:blank")
    assert troubles == []


@pytest.fixture
def page(firefox: Firefox, tmp_path: Path) -> Firefox:
    """The file of a checkout, open."""
    file = tmp_path / "timeline.html"
    file.write_text(to_html(checkout(), title="Test"), encoding="utf-8")
    firefox.open(file.as_uri())
    return firefox


def text(firefox: Firefox, selector: str) -> str:
    found: str = firefox.evaluate(f"document.querySelector({selector!r}).innerText")
    return found


def test_the_file_opens_and_asks_for_nothing(page: Firefox) -> None:
    assert {"send_mail  29.3 ms", "notify_shipping  ConnectionError"} <= set(page.evaluate(TEXTS))
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_wheel_zooms(page: Firefox) -> None:
    span = f"{V}.view.end - {V}.view.begin"
    before = page.evaluate(span)
    page.zoom(*page.middle(".stage"), -120)
    assert page.evaluate(span) < before / 1.3


def test_typing_filters_and_a_click_tells(page: Firefox) -> None:
    page.press_button("[data-part=search]")
    page.type("mail")
    assert text(page, "[data-part=found]") == "1 of 6 tasks · 1 request"
    page.type("Escape")
    assert page.evaluate("document.activeElement.dataset.part") == "stage"
    page.type("n")
    assert text(page, ".details .sentence").startswith("send_mail was held back 1.4 ms by its mode")


def test_the_table_leads_to_the_lanes(page: Firefox) -> None:
    page.press_button(".panels [data-with=table]")
    page.press_button("[aria-label='Every request and task'] tbody tr .go")
    assert page.evaluate(f"{V}.app.panel") == "lanes"
    assert text(page, ".details .sentence").startswith(page.evaluate(f"{V}.pinned.name"))


@pytest.mark.parametrize("kind", ["jsonl", "png", "svg", "html", "json"])
def test_all_kinds_of_files_are_saved(page: Firefox, kind: str) -> None:
    page.press_button("details summary")
    page.press_button(f"button[data-with={kind}]")
    file = page.downloads / f"timeline.{kind}"
    until = time.monotonic() + 20
    while not (file.exists() and file.stat().st_size) and time.monotonic() < until:
        page.evaluate("new Promise(requestAnimationFrame)")
    saved = file.read_bytes()
    file.unlink()
    starts = {"jsonl": b"{", "png": b"\x89PNG", "svg": b"<svg", "html": b"<!", "json": b"{"}
    assert saved.startswith(starts[kind])
    if kind == "jsonl":
        assert from_json(saved.decode()) == [checkout()]


def test_two_thousand_requests_open_on_the_summary(firefox: Firefox, tmp_path: Path) -> None:
    file = tmp_path / "many.html"
    file.write_text(to_html(random_timelines(2000, 3)), encoding="utf-8")
    firefox.open(file.as_uri())
    assert text(firefox, ".headline").startswith("2,000 requests")
    firefox.press_button(".panels [data-with=lanes]")
    assert firefox.evaluate(f"{V}.drawn.crowd")


def test_the_live_page_follows_and_says_when_the_server_is_gone(
    firefox: Firefox, source: Source
) -> None:
    firefox.open(source.url)
    source.connections.get(timeout=20)
    source.send(to_json(checkout()).strip())
    source.send(NOW, event="counters")
    firefox.until(f"{V}.recordings[0]?.size === 1 && !{V}.part.counters.hidden")
    firefox.until(f"({TEXTS}).includes('send_mail  29.3 ms')")
    assert "12.5" in text(firefox, ".counters")
    source.server.shutdown()
    source.server.server_close()
    source.events.put(HANG_UP)
    firefox.until(f"{V}.part.gone.textContent.startsWith('The server is gone since')")
    assert firefox.evaluate(f"{V}.part.follow.ariaPressed") == "false"
    firefox.troubles.clear()  # the browser's own word on a server that is gone
