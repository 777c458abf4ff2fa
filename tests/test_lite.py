"""Which notebooks run in a browser, found out without one; `tests/browser` opens three of them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

import visualize
from notebooks.execute import FOLDER, notebooks, read, run, run_all
from notebooks.lite import HERE, NOT_HERE, copy_all, settings
from notebooks.pyodide import LOCK, MissingError, gather
from tests.samples import checkout
from visualize import notebook as frames
from visualize.lab import lay_over, moments

from .test_notebooks import code_cell, missing

LIKE_A_BROWSER = """\
from zmq.utils.garbage import gc
gc.start()  # the kernel's own thread, for the pictures that it sends
from visualize.lab import browser
browser.IN_BROWSER = True
browser.adapt()"""
REFUSED = ("a thread", "another process", "a socket")


def refused(path: Path) -> str | None:
    """Run a notebook with all refused that a browser does not have; return what it met first."""
    from nbclient.exceptions import CellExecutionError

    notebook = read(path)
    notebook.cells.insert(0, code_cell(LIKE_A_BROWSER))
    try:
        run(notebook)
    except CellExecutionError as error:
        found = re.search(r"this needs (.+?), which Python does not have", str(error))
        # A plain `with` would need a server beside it.
        beside = "is called in-process needs the event loop" in str(error)
        return found[1] if found else "a thread" if beside else str(error)
    return None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_said_to_run_in_a_browser_needs_nothing_that_is_not_there() -> None:
    paths = [path for path in notebooks() if not missing(path)]
    with run_all(paths, refused) as futures:
        met = {path.name[:2]: future.result() for path, future in futures.items()}
    listed = {name: what if (what := NOT_HERE.get(name)) in REFUSED else None for name in met}
    assert met == listed


def test_the_readme_lists_the_same() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    section = text.split("## Without installing")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| ([\d, ]+) \| (.+?) \|$", section, re.MULTILINE))
    listed = {name: what for names, what in rows.items() for name in names.split(", ")}
    assert listed == NOT_HERE


def test_a_copy_says_how_it_runs_and_only_one_that_cannot_shows_its_outputs(tmp_path: Path) -> None:
    copy_all(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in notebooks()]
    runs, cannot = read(tmp_path / "00_the_surprise.ipynb"), read(tmp_path / "25_shields.ipynb")
    assert runs.cells[1].source == HERE
    assert [cell.outputs for cell in runs.cells if cell.get("outputs")] == []
    assert "needs another process" in cannot.cells[1].source
    assert cannot.cells[2].source.endswith('another process: run it with make lab")')
    assert any(cell.get("outputs") for cell in cannot.cells)


def test_the_site_is_told_to_ask_no_other_place() -> None:
    told = json.dumps(settings())
    assert "://" not in told
    assert '"disablePyPIFallback": true' in told


def test_what_is_missing_to_build_it_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("notebooks.pyodide.find_spec", lambda _: None)
    with pytest.raises(MissingError, match="JupyterLite is not installed"):
        gather(tmp_path, tmp_path, tmp_path / "folder")
    assert not (tmp_path / "folder" / LOCK).exists()


def test_without_matplotlib_the_page_stands_for_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "PICTURES", False)
    monkeypatch.delitem(sys.modules, "visualize.figure", raising=False)
    timeline = checkout()
    shown = visualize.plot(timeline)._repr_mimebundle_()
    assert sorted(shown) == ["text/html", "text/plain"]
    assert "<iframe" in shown["text/html"]
    beside = visualize.compare({"one": timeline, "two": timeline}, width=9.5)
    assert "two" in beside._repr_mimebundle_()["text/plain"]
    seen = {"the <cook> looks": timeline.request_start + 1_000_000}
    laid = lay_over(timeline, seen)._repr_mimebundle_()
    assert moments(timeline, seen) in laid["text/plain"]
    assert "A  the &lt;cook&gt; looks" in laid["text/html"]
    assert "visualize.figure" not in sys.modules
