"""Run the notebooks afresh and keep what they show: `python notebooks/execute.py [NAME …]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[1]))

T = TypeVar("T")

FOLDER = Path(__file__).parent
AT_ONCE = 2
"""Each notebook keeps a kernel and a server busy: more than two only wait for each other."""
CELL_LIMIT = 120
"""Seconds that a cell may take."""


def notebooks(names: Iterable[str] = ()) -> list[Path]:
    """Return the notebooks whose names begin so, in their order; all of them by default.

    Raises ValueError for a beginning that no name has.
    """
    paths = sorted(FOLDER.glob("[0-9]*.ipynb"))
    chosen: set[Path] = set()
    for name in names:
        found = [path for path in paths if path.name.startswith(Path(name).name)]
        if not found:
            raise ValueError(
                f"no notebook begins with {name!r}: give a beginning such as 03, or none for all"
            )
        chosen.update(found)
    return [path for path in paths if path in chosen] if chosen else paths


def read(path: Path) -> Any:
    """Return the notebook as it is in its file."""
    import nbformat

    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def run(notebook: Any, code: Path = FOLDER.parent, *, keep_frames: bool = False) -> Any:
    """Execute the notebook in a fresh kernel and an empty folder, and return it.

    `code` is the folder whose packages it imports, by default those beside this folder. Frames
    with the interactive page are taken out, but for `keep_frames`.
    Raises nbclient.exceptions.CellExecutionError when a cell fails.
    """
    from nbclient import NotebookClient

    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as channels,
    ):
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=CELL_LIMIT,
            record_timing=False,
            # Below an error, all that the kernel has to say is that it talks over loopback.
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            resources={"metadata": {"path": folder}},
        )
        manager = client.create_kernel_manager()
        _keep_off_ports(manager, Path(channels))
        _fork_it(manager)
        # Its own execute() leaves the event loop that it makes in a thread unclosed.
        asyncio.run(client.async_execute(env={**os.environ, "PYTHONPATH": str(code)}))
    return tidy(notebook, keep_frames=keep_frames)


def _keep_off_ports(manager: Any, channels: Path) -> None:
    # A kernel's ports are chosen free and bound a second later: by then whatever else starts a
    # server here may have one of them, and the kernel dies.
    if os.name == "posix":
        manager.transport = "ipc"
        manager.connection_file = str(channels / "kernel.json")


def _fork_it(manager: Any) -> None:
    from notebooks.kernels import CAN_FORK, ForkedProvisioner

    if CAN_FORK:
        manager.provisioner = ForkedProvisioner(kernel_spec=manager.kernel_spec, parent=manager)


def tidy(notebook: Any, *, keep_frames: bool = False) -> Any:
    """Take out what differs between machines, or is of no use without a kernel."""
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if not _needs_kernel(output)]
            for output in cell.outputs:
                if not keep_frames:
                    _without_frame(output)
                _describe(output)
    return notebook


def _without_frame(output: Any) -> None:
    # It prints blank, and no two of them are alike; its picture and its text stay.
    if "<iframe" in output.get("data", {}).get("text/html", ""):
        del output.data["text/html"]


def _needs_kernel(output: Any) -> bool:
    return "application/vnd.jupyter.widget-view+json" in output.get("data", {})


def _describe(output: Any) -> None:
    """Give a picture the words that a reader who does not see it needs."""
    data = output.get("data", {})
    if "image/png" not in data:
        return
    text = data.get("text/plain", "")
    titles = re.findall(r"'(?:left|right)': '([^']*)'", text)
    words = ", ".join(titles) if titles else text.partition("\n")[0]
    if words.startswith("<"):
        words = "several requests below each other, on one time axis"
    output.metadata["image/png"] = {"alt": f"Timeline: {words}"}


@contextmanager
def run_all(paths: Iterable[Path], task: Callable[[Path], T]) -> Iterator[dict[Path, Future[T]]]:
    """Do `task` for each path, two at a time, while the block is open."""
    with private_settings(), ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            yield {path: pool.submit(task, path) for path in paths}
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def private_settings() -> Iterator[None]:
    """Keep the reader's own IPython settings out of the kernels."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("IPYTHONDIR")
        os.environ["IPYTHONDIR"] = folder
        try:
            yield
        finally:
            os.environ.pop("IPYTHONDIR")
            if before is not None:
                os.environ["IPYTHONDIR"] = before


def keep(path: Path) -> float:
    """Execute one notebook and write its outputs into its file; return the seconds."""
    import nbformat

    begun = time.perf_counter()
    notebook = run(read(path))
    nbformat.validate(notebook)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
    return time.perf_counter() - begun


def main(arguments: list[str] | None = None) -> int:
    """Execute the chosen notebooks; return 1 if one failed, whose file is then left as it was."""
    parser = argparse.ArgumentParser(
        description="Execute notebooks in fresh kernels and keep their outputs.",
        epilog="example: python notebooks/execute.py 03 04",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="how a notebook's name begins",
    )
    try:
        paths = notebooks(parser.parse_args(arguments).names)
    except ValueError as error:
        parser.error(str(error))
    with run_all(paths, keep) as futures:
        return max([_report(path, future) for path, future in futures.items()])


def _report(path: Path, future: Future[float]) -> int:
    try:
        print(f"{path.stem:32} {future.result():5.1f} s", flush=True)
    except Exception as error:
        plain = re.sub(r"\x1b\[[\d;]*m", "", str(error))
        print(
            f"{path.stem:32} failed\n{plain}",
            file=sys.stderr,
            flush=True,
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
