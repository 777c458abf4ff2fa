"""The notebooks: run afresh in a kernel of their own, and read as they lie in the repository."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from notebooks.execute import FOLDER, notebooks, read, run, run_all

from .exercises import EXERCISES

PATHS = notebooks()
CLAIMS = range(1, 28)
LONGEST_CELL, WIDEST_LINE = 15, 72
LARGEST_PICTURE = 60 * 1024
SLOWEST = 900
"""Seconds for all of them with all answers. 90 are the aim for the notebooks alone, on two cores
that have nothing else to do."""

PARTS = (
    "**What you will see.**",
    "**You need**",
    "## The idea: ",
    "## Your turn",
    "## Three questions",
    "**Next:**",
)
"""What stands in every notebook, in this order: see the other ones before writing a new one."""

NOT_ENGLISH = (
    "belongs into", "belong into", "shall run", "to be had", "Only that", "informations",
    "allows to", "in the moment", "the other ones", "since long", "as well as also", "e.g.",
    "/ 1e6", "/ 1_000_000",
)  # fmt: skip
"""Turns that were found in the notebooks, and others like them; units have helpers."""

WORDS_ALONE = {"30_a_test_with_a_picture"}
"""Notebooks whose timelines are those of a test's report."""

NEEDED = {"28_handing_over": "taskiq"}
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
    """A notebook that was run to its end: its own cells, then the check of each answer."""

    cells: list[Any]
    checks: dict[str, Any]
    seconds: float


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> Iterator[dict[Path, Future[Run]]]:
    """The notebooks of the chosen tests, each run once, two at a time."""
    params = (getattr(item, "callspec", None) for item in request.session.items)
    chosen = {callspec.params.get("path") for callspec in params if callspec is not None}
    paths = [path for path in PATHS if path in chosen and not missing(path)]
    with run_all(paths, run_answered) as futures:
        yield futures


def run_answered(path: Path) -> Run:
    """Run a notebook, and after its own check that of the solution and of each listed answer."""
    begun = time.perf_counter()
    notebook = read(path)
    own = list(notebook.cells)
    [solution], [check] = tagged(notebook, "solution"), tagged(notebook, "check")
    at = notebook.cells.index(solution)
    checks = {}
    for name, code in answers_to(path, code_of(solution)).items():
        checks[name] = code_cell(check.source)
        notebook.cells[at:at] = [code_cell(code), checks[name]]
        at += 2
    run(notebook)
    return Run(own, checks, time.perf_counter() - begun)


def answers_to(path: Path, solution: str) -> dict[str, str]:
    """The code of the solution and of each answer that is listed, by its name."""
    listed = EXERCISES[path.stem[:2]]
    answers = {"the solution": solution}
    for kind in (listed.right, listed.wrong):
        answers |= {name: answer.applied(solution) for name, answer in kind.items()}
    return answers


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
    if path.stem not in WORDS_ALONE:
        assert any("image/png" in output.get("data", {}) for output in outputs)


@a_notebook
def test_exercise_refuses_the_stub_and_every_wrong_answer_with_its_reason(
    path: Path, runs: dict[Path, Future[Run]]
) -> None:
    done = runs[path].result()
    [on_stub] = [cell for cell in done.cells if "check" in cell.metadata.get("tags", [])]
    assert re.match(r"Not yet: .{15,}", printed(on_stub))
    for name, answer in EXERCISES[path.stem[:2]].wrong.items():
        said = printed(done.checks[name])
        assert re.match(rf"Not yet: .*{re.escape(answer.reason)}", said), f"{name}: {said}"


@a_notebook
def test_exercise_accepts_the_solution_and_every_right_answer(
    path: Path, runs: dict[Path, Future[Run]]
) -> None:
    done = runs[path].result()
    for name in ("the solution", *EXERCISES[path.stem[:2]].right):
        said = printed(done.checks[name])
        assert re.match(r"Right: .{10,}", said), f"{name}: {said}"


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
    """Leave the words, and a sign for each number and its unit; columns may shift with them.

    Lines that begin with one are moments: where two threads run at once, their order may change.
    """
    numbers = re.sub(r"[-−+]?\d[\d.,]*( ?(ns|µs|ms|s|min|B|kB|MB|%)\b)?", "#", text)
    lines = (" ".join(line.split()) for line in numbers.splitlines() if line.strip())
    runs = groupby(lines, key=lambda line: line.startswith("#"))
    return " ".join(line for moments, run in runs for line in (sorted(run) if moments else run))


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
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags", "slideshow"}
        assert cell.metadata["slideshow"]["slide_type"] in ("slide", "subslide", "skip", "-")
    text = re.sub(r'"image/png": "[^"]*"', "", path.read_text(encoding="utf-8"))
    assert re.findall(r"/(?:home|root|tmp|work|usr|Users)/\w+|[A-Z]:\\\\\w+", text) == []
    assert re.findall(r"0x[0-9a-f]{6,}", text) == []


@a_notebook
def test_cells_fit_on_a_projector_and_were_run_in_their_order(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    lines = [line for cell in cells for line in cell.source.splitlines()]
    assert [len(cell.source.splitlines()) for cell in cells if too_long(cell)] == []
    assert [line for line in lines if len(line) > WIDEST_LINE] == []
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def too_long(cell: Any) -> bool:
    return len(cell.source.splitlines()) > LONGEST_CELL


@a_notebook
def test_a_guess_is_asked_for_before_anything_is_shown_and_is_compared(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    guesses = [cell for cell in cells if "guess" in cell.metadata.get("tags", [])]
    assert guesses
    before = cells[: cells.index(guesses[0])]
    assert [cell.outputs for cell in before if cell.outputs] == []
    for cell in guesses:
        after = "\n".join(one.source for one in cells[cells.index(cell) + 1 :])
        for line in cell.source.splitlines():
            name, _, rest = line.partition(" = ")
            assert name.startswith("guess")
            assert rest.startswith("...  # ")
            assert re.search(rf"\bbeside\(\s*{name}\b", after), f"{name} is never compared"


@a_notebook
def test_is_written_in_plain_english(path: Path) -> None:
    text = "\n".join(cell.source for cell in read(path).cells)
    assert [turn for turn in NOT_ENGLISH if turn in text] == []
    assert not re.search(r"\b(\w+) \1\b(?<!that that)", text.lower().replace("had had", ""))


@a_notebook
def test_is_a_lesson_with_all_its_parts_in_their_order(path: Path) -> None:
    text = "\n".join(cell.source for cell in read(path).cells)
    assert "## Your guess" in text
    places = [text.find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)
    assert re.search(r"^ *assert ", text[: text.find("## Your turn")], re.MULTILINE)
    questions = text[text.find("## Three questions") : text.find("<summary>Answers")]
    assert re.findall(r"^(\d)\. ", questions, re.MULTILINE) == ["1", "2", "3"]


@a_notebook
def test_every_picture_is_small_and_stands_alone(path: Path) -> None:
    outputs = [output for cell in read(path).cells for output in cell.get("outputs", [])]
    shown = [output for output in outputs if "image/png" in output.get("data", {})]
    assert all(len(one.metadata["image/png"]["alt"]) > 20 for one in shown)
    pictured = [output.data for output in shown]
    assert [data for data in pictured if "text/html" in data] == []
    assert pictured or path.stem in WORDS_ALONE
    sizes = [len(base64.b64decode(data["image/png"])) for data in pictured]
    assert max(sizes, default=0) <= LARGEST_PICTURE


@a_notebook
def test_links_lead_to_files(path: Path) -> None:
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in links if not (FOLDER / link).exists()] == []


def words() -> list[tuple[str, str]]:
    """Read from the README each word and the number of the notebook that explains it."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## The words")[2].partition("\n## ")[0]
    cells = re.findall(r"\| ([^|\n]+?) \| (\d\d) (?=\|)", table)
    assert len(cells) >= 30
    return cells


@pytest.mark.parametrize(("word", "number"), words())
def test_word_is_explained_where_it_is_first_used(word: str, number: str) -> None:
    for path in PATHS:
        text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
        text = re.sub(r"\]\([^)]*\)|\[\d\d · [^]]*\]", "", text)  # titles of other notebooks
        if re.search(rf"\b{word}\b", text, re.IGNORECASE):
            assert path.stem[:2] == number
            assert re.search(rf"\*\*[^*\n]*\b{word}s?\b[^*\n]*\*\*", text, re.IGNORECASE)
            return
    pytest.fail(f"no notebook says {word!r}")


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
