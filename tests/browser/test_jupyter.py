"""`show` in a real JupyterLab, run, reopened and not trusted, and in what nbconvert makes of it."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.samples import checkout
from visualize.notebook import show

from .screen import SETTLED, Screen

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CELL = f"""\
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.samples import checkout
from visualize.notebook import show
show(checkout())"""
FRAME = "iframe[title=Timeline]"
PICTURE = "img[alt='Timeline of 1 request with 6 tasks']"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A JupyterLab of its own, which knows nothing of this machine's settings."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")
    home, root = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("root")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    folders = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    environment = os.environ | {f"JUPYTER_{name}": str(home / name) for name in folders}
    environment |= {"IPYTHONDIR": str(home / "ipython"), "JUPYTERLAB_WORKSPACES_DIR": str(home)}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "NO_COLOR": "1"}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
        "--expose-app-in-browser", "--JupyterNotebookApp.expose_app_in_browser=True",
        f"--port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}",
        "--LabApp.news_url=", "--LabApp.check_for_updates_class="
        "jupyterlab.handlers.announcements.NeverCheckForUpdate",
    ]  # fmt: skip
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, home / "log")
            yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token={token}", root
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"JupyterLab did not start: {log.read_text()}")


def write(file: Path, *, output: bool, kernel: str = "python3") -> None:
    """Write a notebook of one cell, with or without what it shows."""
    import nbformat

    notebook = nbformat.v4.new_notebook()
    notebook.metadata.kernelspec = {"name": kernel, "display_name": kernel}
    cell = nbformat.v4.new_code_cell(CELL)
    if output:
        bundle = show(checkout())._repr_mimebundle_()
        made = nbformat.v4.new_output("execute_result", data=bundle, execution_count=1)
        cell.outputs, cell.execution_count = [made], 1
    notebook.cells.append(cell)
    nbformat.write(notebook, file)


def drawn(screen: Screen) -> list[str]:
    """The texts of the timeline in the frame, once it is drawn."""
    frame = screen.page.wait_for_selector(FRAME, timeout=60_000).content_frame()
    frame.wait_for_function("() => document.querySelector('#timeline')?.viewer")
    frame.evaluate(SETTLED)
    texts: list[str] = frame.evaluate(
        "() => document.querySelector('#timeline').viewer.state.labels.map(({words}) => words)"
    )
    return texts


@pytest.fixture
def notebook_screen(new_screen: Callable[..., Screen]) -> Screen:
    """A window for a page that is not ours, and says on the console what it likes."""
    return new_screen(height=1000, ours=False)


def test_a_notebook_that_is_run_and_trusted(lab: tuple[str, Path], notebook_screen: Screen) -> None:
    url, root = lab
    write(root / "run.ipynb", output=False)
    page = notebook_screen.page
    page.goto(url.format("run.ipynb"))
    page.wait_for_function(
        "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status"
        " === 'idle'",
        timeout=60_000,
    )
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    assert "send_mail  29.3 ms" in drawn(notebook_screen)
    page.wait_for_selector(PICTURE, state="detached")
    frame = page.locator(FRAME).element_handle().content_frame()
    before = frame.evaluate("() => document.querySelector('#timeline').viewer.state.view.end")
    frame.locator(".stage").focus()
    page.keyboard.press("n")
    page.keyboard.press("+")
    frame.evaluate(SETTLED)
    assert (
        frame.evaluate("() => document.querySelector('#timeline').viewer.state.view.end") < before
    )
    assert "waited" in frame.locator(".details .sentence").inner_text()
    assert frame.evaluate("() => document.hasFocus()")
    with page.expect_download() as download:
        frame.locator("summary").click()
        frame.locator("button[data-with=jsonl]").click()
    assert download.value.suggested_filename == "timeline.jsonl"


def test_a_notebook_that_is_not_trusted_shows_the_picture(
    lab: tuple[str, Path], notebook_screen: Screen
) -> None:
    url, root = lab
    write(root / "reopened.ipynb", output=True)
    page = notebook_screen.page
    page.goto(url.format("reopened.ipynb"))
    page.wait_for_selector(PICTURE, timeout=60_000)
    assert page.locator(PICTURE).count() == 1
    assert page.locator(FRAME).count() == 0
    wide = page.locator(PICTURE).evaluate("(img) => img.naturalWidth")
    assert wide > 1000


def test_a_notebook_that_is_trusted_moves_without_a_kernel(
    lab: tuple[str, Path], notebook_screen: Screen
) -> None:
    url, root = lab
    write(root / "trusted.ipynb", output=True, kernel="not-here")
    page = notebook_screen.page
    page.goto(url.format("trusted.ipynb"))
    page.wait_for_selector(PICTURE, timeout=60_000)
    page.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
    page.evaluate("() => void window.jupyterapp.commands.execute('notebook:trust')")
    page.get_by_role("dialog").get_by_role("button", name="Trust").click()
    assert "send_mail  29.3 ms" in drawn(notebook_screen)
    page.wait_for_selector(PICTURE, state="detached")


def test_html_made_by_nbconvert_works_offline(notebook_screen: Screen, tmp_path: Path) -> None:
    nbconvert = pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    write(tmp_path / "made.ipynb", output=True)
    body, _ = nbconvert.HTMLExporter().from_filename(str(tmp_path / "made.ipynb"))
    (tmp_path / "made.html").write_text(body, encoding="utf-8")
    notebook_screen.context.set_offline(True)
    notebook_screen.page.goto((tmp_path / "made.html").as_uri(), wait_until="domcontentloaded")
    assert "send_mail  29.3 ms" in drawn(notebook_screen)
    assert not notebook_screen.page.locator(PICTURE).is_visible()


def test_html_made_by_nbconvert_shows_the_picture_where_scripts_are_off(
    new_screen: Callable[..., Screen], tmp_path: Path
) -> None:
    nbconvert = pytest.importorskip("nbconvert", reason="nbconvert is not installed")
    write(tmp_path / "made.ipynb", output=True)
    body, _ = nbconvert.HTMLExporter().from_filename(str(tmp_path / "made.ipynb"))
    (tmp_path / "made.html").write_text(body, encoding="utf-8")
    screen = new_screen(java_script_enabled=False, offline=True, ours=False)
    screen.page.goto((tmp_path / "made.html").as_uri(), wait_until="domcontentloaded")
    assert screen.page.locator(PICTURE).is_visible()


def test_the_picture_in_the_output_is_the_png_of_the_output() -> None:
    bundle: dict[str, Any] = show(checkout())._repr_mimebundle_()
    assert bundle["image/png"] in bundle["text/html"]
    assert base64.b64decode(bundle["image/png"])[1:4] == b"PNG"
