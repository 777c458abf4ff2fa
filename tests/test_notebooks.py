"""The notebooks: run afresh in a kernel of their own, and read as they lie in the repository."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from notebooks.execute import FOLDER, notebooks, read, run, run_all

PATHS = notebooks()
CLAIMS = range(1, 28)
LONGEST_CELL = 15
LARGEST_PICTURE = 60 * 1024
SLOWEST = 450
"""Seconds for all of them. 90 are the aim, on two cores that have nothing else to do."""

PARTS = (
    "**What you will see.**",
    "**You need**",
    "## The idea",
    "redict",
    "## Your turn",
    "## Where next",
)
"""What stands in every notebook, in this order: see the other ones before writing a new one."""

NEEDED = {"18_handing_over": "taskiq"}
"""What a notebook needs beside the project itself; without it, it is skipped."""


def missing(path: Path) -> str | None:
    needed = NEEDED.get(path.stem)
    return needed if needed is not None and find_spec(needed) is None else None


def parameter(path: Path) -> Any:
    skip = pytest.mark.skipif(missing(path) is not None, reason=f"{missing(path)} is not installed")
    return pytest.param(path, marks=skip, id=path.stem)


a_notebook = pytest.mark.parametrize("path", [parameter(path) for path in PATHS])


@dataclass
class Run:
    """A notebook that was run to its end: its own cells, then each solution with its check."""

    cells: list[Any]
    solved: list[Any]
    seconds: float


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> Iterator[dict[Path, Future[Run]]]:
    """The notebooks of the chosen tests, each run once, two at a time."""
    params = (getattr(item, "callspec", None) for item in request.session.items)
    chosen = {callspec.params.get("path") for callspec in params if callspec is not None}
    paths = [path for path in PATHS if path in chosen and not missing(path)]
    with run_all(paths, run_solved) as futures:
        yield futures


def run_solved(path: Path) -> Run:
    begun = time.perf_counter()
    notebook = read(path)
    own = list(notebook.cells)
    solved = []
    for solution, check in zip(
        tagged(notebook, "solution"), tagged(notebook, "check"), strict=True
    ):
        at = notebook.cells.index(solution)
        solved.append(code_cell(check.source))
        notebook.cells[at:at] = [code_cell(code_of(solution)), solved[-1]]
    run(notebook)
    return Run(own, solved, time.perf_counter() - begun)


def code_cell(source: str) -> Any:
    from nbformat.v4 import new_code_cell

    return new_code_cell(source)  # type: ignore[no-untyped-call]


def tagged(notebook: Any, tag: str) -> list[Any]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def code_of(solution: Any) -> str:
    """Take the code out of the folded Markdown that a solution is written in."""
    blocks = re.findall(r"```python\n(.*?)\n```", solution.source, re.DOTALL)
    assert len(blocks) == 1, "a solution is one block of Python"
    assert solution.source.startswith("<details>"), "a solution is folded away"
    return str(blocks[0])


def printed(cell: Any, name: str = "stdout") -> str:
    return "".join(
        output.text
        for output in cell.outputs
        if output.output_type == "stream" and output.name == name
    )


# Run afresh ------------------------------------------------------------------------------------


@a_notebook
def test_runs_without_an_error_or_a_warning_and_shows_a_timeline(
    path: Path, runs: dict[Path, Future[Run]]
) -> None:
    cells = [cell for cell in runs[path].result().cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output.evalue for output in outputs if output.output_type == "error"] == []
    assert "".join(printed(cell, "stderr") for cell in cells) == ""
    assert any("image/png" in output.get("data", {}) for output in outputs)


@a_notebook
def test_exercise_says_what_is_wrong_with_the_stub_and_accepts_the_solution(
    path: Path, runs: dict[Path, Future[Run]]
) -> None:
    done = runs[path].result()
    on_stub = [cell for cell in done.cells if "check" in cell.metadata.get("tags", [])]
    assert len(done.solved) == len(on_stub) >= 1
    for cell in on_stub:
        assert re.match(r"Not yet: .{30,}", printed(cell))
    for cell in done.solved:
        assert re.match(r"Right: .{20,}", printed(cell)), printed(cell)


@a_notebook
def test_kept_outputs_are_those_of_the_code(path: Path, runs: dict[Path, Future[Run]]) -> None:
    kept = [shapes(cell) for cell in read(path).cells if cell.cell_type == "code"]
    fresh = [shapes(cell) for cell in runs[path].result().cells if cell.cell_type == "code"]
    assert kept == fresh


def shapes(cell: Any) -> list[tuple[str, ...]]:
    """Describe what a cell shows by what does not vary from one run to the next."""
    return [shape(output) for output in cell.outputs]


def shape(output: Any) -> tuple[str, ...]:
    if output.output_type == "stream":
        return output.output_type, output.name, unmeasured(output.text)
    data = output.get("data", {})
    pictured = any(kind.startswith("image/") or kind == "text/html" for kind in data)
    words = () if pictured else (unmeasured(str(data.get("text/plain", ""))),)
    return output.output_type, *sorted(data), *words


def unmeasured(text: str) -> str:
    """Leave the words, and a sign for each number and its unit; columns may shift with them."""
    numbers = re.sub(r"[-−+]?\d[\d.,]*( ?(ns|µs|ms|s|min|B|kB|MB|%)\b)?", "#", text)
    return " ".join(numbers.split())


def test_all_are_done_in_time(
    runs: dict[Path, Future[Run]], capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = {path.stem: future.result().seconds for path, future in runs.items()}
    with capsys.disabled():
        print()
        for name, each in seconds.items():
            print(f"  {name:28} {each:5.1f} s")
    assert sum(seconds.values()) < 2 * SLOWEST


# As they lie in the repository -----------------------------------------------------------------


@a_notebook
def test_file_is_valid_and_says_nothing_of_the_machine(path: Path) -> None:
    import nbformat

    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert [set(cell.metadata) - {"tags"} for cell in notebook.cells] == [set()] * len(
        notebook.cells
    )
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"/(?:home|root|tmp|work|usr|Users)/\w+|[A-Z]:\\\\\w+", text) == []
    assert re.findall(r"0x[0-9a-f]{6,}", text) == []


@a_notebook
def test_cells_are_short_and_were_run_in_their_order(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [len(cell.source.splitlines()) for cell in cells if too_long(cell)] == []
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def too_long(cell: Any) -> bool:
    return len(cell.source.splitlines()) > LONGEST_CELL


@a_notebook
def test_is_a_lesson_with_all_its_parts_in_their_order(path: Path) -> None:
    text = "\n".join(cell.source for cell in read(path).cells)
    places = [text.find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)
    assert re.search(r"^ *assert ", text[: text.find("## Your turn")], re.MULTILINE)


@a_notebook
def test_every_picture_is_small_and_one_at_least_is_shown_by_github(path: Path) -> None:
    outputs = [output for cell in read(path).cells for output in cell.get("outputs", [])]
    pictured = [output.data for output in outputs if "image/png" in output.get("data", {})]
    assert [data for data in pictured if "text/html" not in data]
    sizes = [len(base64.b64decode(data["image/png"])) for data in pictured]
    assert max(sizes) <= LARGEST_PICTURE


@a_notebook
def test_links_lead_to_files(path: Path) -> None:
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in links if not (FOLDER / link).exists()] == []


def claims_shown() -> dict[int, set[str]]:
    """Read from the tags which notebooks show each claim of the tutorial page."""
    shown: dict[int, set[str]] = {}
    for path in PATHS:
        for cell in read(path).cells:
            for tag in cell.metadata.get("tags", []):
                if found := re.fullmatch(r"claim-(\d+)", tag):
                    assert "assert " in cell.source, f"{path.stem}: a claim needs an assert"
                    shown.setdefault(int(found[1]), set()).add(path.stem[:2])
    return shown


def test_every_claim_is_shown_by_a_cell_that_asserts_it() -> None:
    assert sorted(claims_shown()) == list(CLAIMS)


def test_readme_lists_the_notebooks_by_title_and_says_where_each_claim_is_shown() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    titles = {path: read(path).cells[0].source.splitlines()[0].lstrip("# ") for path in PATHS}
    listed = re.findall(r"^\| \[(\d\d)\]\((\S+)\) \| ([^|]+?) \|", readme, re.MULTILINE)
    assert listed == [
        (path.stem[:2], path.name, title.partition(" · ")[2]) for path, title in titles.items()
    ]
    rows = re.findall(r"^\| (\d+) \|.*\| ([\d, ]+) \|", readme, re.MULTILINE)
    assert {int(claim): set(where.split(", ")) for claim, where in rows} == claims_shown()
