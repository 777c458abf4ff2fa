"""The site: it builds without a warning, its examples run, its links lead somewhere."""

from __future__ import annotations

import base64
import functools
import re
import shutil
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest

from .processes import ROOT, environment

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
ELSEWHERE = (
    *("https://fastapi-tasks-timeline.example", "https://taskiq-python.github.io"),
    *("https://github.com/pradyunsg/furo", "https://www.sphinx-doc.org"),
)
"""Where links may lead beyond the site; nothing is ever loaded from there."""

sphinx = pytest.importorskip("sphinx", reason="sphinx is not installed")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if PYTHON.search(page.read_text())], ids=lambda page: page.stem
)
def test_the_code_of_a_page_runs_from_its_top_to_its_end(page: Path, tmp_path: Path) -> None:
    code = "\n".join(PYTHON.findall(page.read_text()))
    code += (
        "\nfor name, test in list(globals().items()):\n    if name.startswith('test_'): test()\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, env=environment(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it; a warning fails."""
    place = tmp_path_factory.mktemp("built") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", DOCS, place],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return place


class Links(HTMLParser):
    """What a page links to, what it loads, and where in it one can link to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in (
            "index",
            "search",
            "next",
            "prev",
            "author",
        ):
            self.loaded.append(given["href"])
        elif tag != "a":
            if tag == "img":
                self.pictures.append(given.get("alt", ""))
            self.loaded += [given[name] for name in ("src", "data", "poster") if name in given]


@functools.cache
def read(file: Path) -> Links:
    found = Links()
    found.feed(file.read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
class TestTheSite:
    def test_has_a_page_for_each_thing_that_a_stranger_asks_for(self, site: Path) -> None:
        pages = {str(file.relative_to(site)) for file in site.rglob("*.html")}
        assert pages >= {
            *("index.html", "own_app.html", "moving.html", "which.html", "deployment.html"),
            *("faq.html", "testing.html", "examples.html", "changelog.html", "contributing.html"),
            *("reference.html", "made/command_line.html", "notebooks/05_three_modes.html"),
        }
        notebooks = {file.stem for file in (ROOT / "notebooks").glob("*.ipynb")}
        assert {f"notebooks/{name}.html" for name in notebooks} <= pages

    def test_has_no_link_that_leads_nowhere(self, site: Path) -> None:
        lost = []
        for file in site.rglob("*.html"):
            for link in read(file).links:
                target, anchor = urldefrag(link)
                if re.match(r"[a-z]+:", target):
                    if not target.startswith(ELSEWHERE):
                        lost.append((file.name, link))
                    continue
                there = (file.parent / unquote(target)).resolve() if target else file
                known = there.suffix != ".html" or not there.exists() or read(there).anchors
                if not there.exists() or (anchor and unquote(anchor) not in (known or ())):
                    lost.append((file.name, link))
        assert lost == []

    def test_loads_nothing_from_elsewhere(self, site: Path) -> None:
        loaded = [
            (file.name, one)
            for file in site.rglob("*.html")
            for one in read(file).loaded
            if not one.startswith("data:")
        ]
        assert loaded
        assert [one for one in loaded if re.match(r"([a-z]+:)?//", one[1])] == []
        for sheet in site.rglob("*.css"):
            assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", sheet.read_text())

    @pytest.mark.parametrize(
        "module",
        ["fastapi_tasks", "fastapi_tasks.tasks", "visualize", "visualize.lab", "visualize.live",
         "visualize.playground"],
    )  # fmt: skip
    def test_says_of_every_public_name_what_it_is(self, site: Path, module: str) -> None:
        pages = (site / "made" / "reference").glob("*.html")
        anchors = set().union(*(read(page).anchors for page in pages))
        # What two modules share is where it is looked for first.
        names = {*import_module(module).__all__} - {"__version__"}
        shared = set(import_module("fastapi_tasks").__all__)
        assert {name for name in names if f"{module}.{name}" not in anchors} <= (
            shared if module == "fastapi_tasks.tasks" else set()
        )

    def test_says_of_every_picture_what_it_shows(self, site: Path) -> None:
        words = [alt for file in site.rglob("*.html") for alt in read(file).pictures]
        assert len(words) > 60  # two of each notebook
        assert [alt for alt in words if not alt or alt.endswith((".png", ".svg"))] == []

    def test_has_what_show_draws_as_a_page_to_move_about_in(self, site: Path) -> None:
        page = site / "notebooks" / "01_reading_a_timeline.html"
        (frame,) = (one for one in read(page).loaded if "frames/" in one)
        shown = (page.parent / frame).resolve().read_text(encoding="utf-8")
        packed = re.search(r'"packed":"([^"]+)"', shown)
        assert packed is not None
        assert b"send_mail" in zlib.decompress(base64.b64decode(packed[1]), -zlib.MAX_WBITS)

    def test_writes_out_every_command(self, site: Path) -> None:
        from visualize.cli.main import COMMANDS

        page = read(site / "made" / "command_line.html")
        assert set(COMMANDS) <= page.anchors


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    """The site on a server, as the frames in it need."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *values: Any) -> None:
            super().__init__(*values, directory=str(site))

        def log_message(self, format: str, *values: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_it_looks_right_on_every_screen_and_asks_for_nothing_else(
    served: str, width: int, scheme: str
) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        asked: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        for name in ("index", "deployment", "notebooks/05_three_modes", "made/reference/visualize"):
            page.goto(f"{served}{name}.html")
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        page.goto(f"{served}index.html")
        look(page, width, scheme)
        browser.close()
    assert errors == []
    assert [url for url in asked if not url.startswith((served, "data:", "blob:"))] == []


FAINT = """() => {
    const light = color => {
        const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(Number)
            .map(part => part / 255)
            .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    return [...document.querySelectorAll("article .highlight span")].filter(word => {
        const paper = getComputedStyle(word.closest(".highlight")).backgroundColor;
        const both = [light(getComputedStyle(word).color), light(paper)];
        return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05) < 4.5;
    }).map(word => word.textContent);
}"""
"""Finds the words of code that stand out from their paper by less than 4.5 : 1."""


def look(page: Any, width: int, scheme: str) -> None:
    """The picture is in sight, moves, and is drawn in the colours of the scheme."""
    shown, hidden = ("narrow", "wide") if width < 600 else ("wide", "narrow")
    assert page.locator(f".moving .{hidden}").is_hidden()
    picture = page.locator(f".moving .{shown}").bounding_box()
    assert picture["y"] < 500
    assert picture["x"] + picture["width"] <= width
    now = page.locator(f".moving .{shown} .now")
    before = now.bounding_box()["x"]
    page.wait_for_function(
        "([one, x]) => Math.abs(document.querySelector(one).getBoundingClientRect().x - x) > 2",
        arg=[f".moving .{shown} .now", before],
    )
    ink = page.evaluate(
        "getComputedStyle(document.querySelector('.moving .name')).fill.match(/\\d+/g).map(Number)"
    )
    assert (sum(ink) > 380) == (scheme == "dark")
    # Every bar of a task has the colour of its mode: black is that of none.
    bars = page.locator(f".moving .{shown} rect.runs")
    fills = bars.evaluate_all("bars => bars.map(bar => getComputedStyle(bar).fill)")
    assert len(fills) >= 7
    assert "rgb(0, 0, 0)" not in fills
    pale = page.evaluate(FAINT)
    assert pale == []


def test_the_picture_of_the_house_knows_every_room() -> None:
    from docs.house import house, imports, rooms

    graph = rooms(imports())
    drawn = re.findall(r'class="room"[^>]*>([^<]+)<', house())
    assert sorted(drawn) == sorted(name.partition(".")[2] for name in graph)
    for name, below in graph.items():
        if name.startswith("fastapi_tasks"):
            assert all(one.startswith("fastapi_tasks") for one in below), name
