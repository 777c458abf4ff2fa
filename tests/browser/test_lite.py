"""Notebooks that run in the browser itself, from one folder, without a server behind them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from notebooks.lite import build
from notebooks.pyodide import MissingError

from .screen import SETTLED, Screen
from .test_jupyterlab import CELLS, IDLE, WHOLE, outputs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LONGEST = 240_000
"""Milliseconds: for each notebook Python is loaded anew, which takes half a minute if busy."""
RUN_ALL = """() => {
    window.jupyterapp.commands.execute('notebook:run-all-cells')
        .finally(() => { window.allRan = true; });
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The folder, built and served as any server of plain files would."""
    try:
        folder = build(tmp_path_factory.mktemp("lite"))
    except MissingError as error:
        pytest.skip(f"the folder cannot be built here: {error}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def opened(site: str, new_screen: Callable[..., Screen]) -> Callable[[str], tuple[Any, list[Any]]]:
    """Open a notebook there, run all of its cells; return the page and the cells."""

    def opened(name: str) -> tuple[Any, list[Any]]:
        screen = new_screen(height=1000, ours=False)
        beyond: list[str] = []
        screen.context.on("request", lambda request: beyond.append(request.url))
        page = screen.page
        page.set_default_timeout(LONGEST)
        page.goto(f"{site}/lab/index.html?path={name}.ipynb")
        page.wait_for_function(IDLE, arg=f"{name}.ipynb")
        page.evaluate(WHOLE)
        page.evaluate(RUN_ALL)
        page.wait_for_function("() => window.allRan")
        own = (f"{site}/", "data:", f"blob:{site}/")
        assert [url for url in beyond if not url.startswith(own)] == []
        assert any(url.endswith("pyodide.asm.wasm") for url in beyond)
        return page, page.evaluate(CELLS)

    return opened


@pytest.mark.parametrize("name", ["00_the_surprise", "05_three_modes", "13_five_ways"])
def test_a_notebook_runs_whole_and_asks_no_other_place(
    name: str, opened: Callable[[str], tuple[Any, list[Any]]]
) -> None:
    page, cells = opened(name)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert [one for one in outputs(cells) if one["output_type"] == "error"] == []
    assert [one["text"] for one in outputs(cells) if one.get("name") == "stderr"] == []
    assert any("assert" in "".join(cell["source"]) for cell in code)
    assert "without a server" in "".join(cells[1]["source"])
    shown = page.locator("iframe[title=Timeline]").first
    shown.scroll_into_view_if_needed()  # out of sight, nothing is drawn
    frame = shown.element_handle().content_frame()
    frame.evaluate(SETTLED)
    words = "() => document.querySelector('#timeline').viewer.state.labels.map((l) => l.words)"
    assert "endpoint" in " ".join(frame.evaluate(words))


def test_a_notebook_that_needs_more_says_so_in_one_line(
    opened: Callable[[str], tuple[Any, list[Any]]],
) -> None:
    _, cells = opened("25_shields")
    assert "another process" in "".join(cells[1]["source"])
    (error,) = [one for one in outputs(cells[:3]) if one["output_type"] == "error"]
    assert error["traceback"] == [
        "NotInBrowserError: this notebook needs another process: run it with make lab"
    ]
