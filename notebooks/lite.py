"""Build a folder in which notebooks run in a browser, without a server: `python notebooks/lite.py`.

It holds JupyterLite, Python for the browser, this project and what it needs. Whoever opens it asks
no other place for anything; whoever builds it needs pip and npm.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[1]))

from notebooks.copies import without_outputs
from notebooks.execute import FOLDER, notebooks, read
from notebooks.pyodide import BuildError, gather, run

PROJECT = FOLDER.parent
BUILT = PROJECT / "build" / "lite"
FIRST = ("ipykernel", "piplite", "pyodide-kernel", "comm", "ipython", "jedi", "micropip")
"""What is loaded before a notebook opens; the rest comes when a cell imports it."""
APPS = ("lab", "notebooks", "tree", "edit")
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
NOT_HERE = {
    "04": "a thread",  # in which a slow function harms nobody
    "07": "a thread",  # where a plain iterator is streamed from
    "09": "a thread",  # for the tasks of its exercise
    "20": "a thread",  # and a process: the two that it compares
    "21": "an event loop whose turns cost little",  # there one costs as much as a task
    "22": "a thread",
    "23": "a thread",
    "24": "a thread",
    "25": "another process",  # which is stopped
    "26": "a thread",
    "28": "another process",  # the queue's worker
    "29": "a thread",
    "30": "another process",  # which runs the tests
}
"""Notebooks that cannot run in a browser, by number, and what they need in place of it. Tests find
it out anew: they run all of them with threads, processes and sockets refused."""
HERE = """
> **In your browser.** This notebook runs without a server: Python itself is in this page. The app
> is called in the same event loop as its client. *Sent* means that the last byte was put into the
> client's buffer, and not that a server gave it to a socket. There are no threads: `def` tasks do
> not run here, and which line held the loop is not told. Times step by 0.1 ms. What you see in
> place of pictures is the interactive page.
""".strip()
ELSEWHERE = """
> **Not in your browser.** This notebook needs {what}, which Python does not have in a browser.
> What you see was measured on a real server. To run it, take `make lab` on your machine.
""".strip()
REFUSAL = """from visualize.lab import NotInBrowserError

raise NotInBrowserError("this notebook needs {what}: run it with make lab")"""


def build(folder: Path = BUILT) -> Path:
    """Build the site in `folder`, and return where it is. Raises BuildError."""
    folder = folder.absolute()
    given, site = folder / "given", folder / "site"
    for old in (given, site):
        shutil.rmtree(old, ignore_errors=True)
    gather(PROJECT, folder, given / "static" / "pyodide")
    copy_all(folder / "files")
    (given / "jupyter-lite.json").write_text(json.dumps(settings()), encoding="utf-8")
    run(
        *(sys.executable, "-m", "jupyter", "lite", "build", "--lite-dir", str(given)),
        *("--contents", str(folder / "files"), "--output-dir", str(site)),
        *("--no-sourcemaps", "--no-unused-shared-packages", "--no-libarchive"),
        *(f"--apps={app}" for app in APPS),
        cwd=given,
    )
    return site


def settings() -> dict[str, Any]:
    """Return what the site is told: to take all from its own folder."""
    options = {"lockFileURL": "static/pyodide/pyodide-lock.json", "packages": list(FIRST)}
    kernel = {"loadPyodideOptions": options, "disablePyPIFallback": True}
    return {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "The tutorial, measured",
            "exposeAppInBrowser": True,
            "litePluginSettings": {KERNEL: kernel},
        },
    }


def copy_all(folder: Path) -> None:
    """Write into `folder` the notebooks as they are there, each with a word on how it runs."""
    import nbformat

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in notebooks():
        notebook = read(path)
        notebook.metadata.kernelspec = {"display_name": "Python (Pyodide)", "name": "python"}
        _adapt(notebook, NOT_HERE.get(path.name[:2]))
        nbformat.write(notebook, folder / path.name)  # type: ignore[no-untyped-call]


def _adapt(notebook: Any, missing: str | None) -> None:
    """Say at the top how it runs there. One that cannot keeps its outputs, and says so when run."""
    from nbformat.v4 import new_code_cell, new_markdown_cell

    words = HERE if missing is None else ELSEWHERE.format(what=missing)
    added = [new_markdown_cell(words)]  # type: ignore[no-untyped-call]
    if missing is None:
        without_outputs(notebook)
    else:
        refusal = REFUSAL.format(what=missing)
        added.append(new_code_cell(refusal))  # type: ignore[no-untyped-call]
    notebook.cells[1:1] = added


def main() -> int:
    """Build the site, and say how to open it; return 1 if it cannot be built."""
    try:
        site = build()
    except BuildError as error:
        print(f"The notebooks for the browser cannot be built. {error}", file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file()) / 1e6
    print(f"{site} is ready ({size:.0f} MB); serve that folder, here or anywhere:")
    print(f"  python -m http.server -b 127.0.0.1 -d {site.relative_to(PROJECT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
