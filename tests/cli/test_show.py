"""What `show` and `compare` draw and write, and the help of each command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fastapi_tasks import __version__, load, save
from visualize import plot, text, to_mermaid, to_png, to_svg
from visualize.cli.main import main
from visualize.figure import compare
from visualize.page import to_html
from visualize.perfetto import to_perfetto

from ..processes import Command, run
from ..samples import checkout


def test_show_draws_all_in_the_order_of_their_start(command: Command, here: Path) -> None:
    first, second = checkout(1), checkout(2, at=60_000_000)
    save([second, first], "run.jsonl")
    assert command("show", "run.jsonl", "--all") == (0, text([first, second]), "")


def test_show_reads_a_pipe(here: Path, run_jsonl: Path) -> None:
    done = run("show", "-", "--all", cwd=here, stdin=run_jsonl.read_bytes())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == text(load(run_jsonl), width=100, color=False, ascii=False)


FORMS = {
    "html": ("run.html", lambda timelines: to_html(timelines).encode()),
    "png": ("run.png", lambda timelines: to_png(plot(timelines))),
    "svg": ("run.svg", lambda timelines: to_svg(plot(timelines))),
    "perfetto": ("run.perfetto.json", lambda timelines: to_perfetto(timelines).encode()),
    "mermaid": ("run.mmd", lambda timelines: to_mermaid(timelines).encode()),
}


@pytest.mark.parametrize("form", FORMS)
def test_show_writes_each_form_beside_the_recording(
    command: Command, run_jsonl: Path, form: str
) -> None:
    name, make = FORMS[form]
    assert command("show", "run.jsonl", f"--{form}") == (0, f"written: {name}\n", "")
    assert Path(name).read_bytes() == make(load(run_jsonl))


def test_show_writes_several_forms_at_once(command: Command, run_jsonl: Path) -> None:
    result = command("show", "run.jsonl", "--html", "page.html", "--perfetto")
    assert result == (0, "written: page.html\nwritten: run.perfetto.json\n", "")


def test_show_writes_a_form_to_standard_output(here: Path, run_jsonl: Path) -> None:
    done = run("show", "run.jsonl", "--perfetto", "-", cwd=here)
    assert (done.returncode, done.stdout, done.stderr) == (0, to_perfetto(load(run_jsonl)), "")


@pytest.mark.parametrize("align", ["request_start", "response_sent"])
def test_compare_draws_both_on_one_axis(command: Command, here: Path, align: Any) -> None:
    save(checkout(1), "a.jsonl")
    save(checkout(2, at=9), "b.jsonl")
    panels = {"a.jsonl": [checkout(1)], "b.jsonl": [checkout(2, at=9)]}
    written = ("--align", align.replace("_", "-"))
    result = command("compare", "a.jsonl", "b.jsonl", *written, "--html", "--png", "--svg")
    files = ("compared.html", "compared.png", "compared.svg")
    assert result == (0, "".join(f"written: {file}\n" for file in files), "")
    assert Path("compared.html").read_text() == to_html(panels, align=align)
    assert Path("compared.png").read_bytes() == to_png(compare(panels, align=align))
    assert Path("compared.svg").read_bytes() == to_svg(compare(panels, align=align))


def test_compare_tells_two_files_of_one_name_apart(command: Command, here: Path) -> None:
    for folder in ("old", "new"):
        Path(folder).mkdir()
        save(checkout(), f"{folder}/run.jsonl")
    assert command("compare", "old/run.jsonl", "new/run.jsonl", "--html")[0] == 0
    panels = {"A: old/run.jsonl": [checkout()], "B: new/run.jsonl": [checkout()]}
    assert Path("compared.html").read_text() == to_html(panels, align="request_start")


@pytest.mark.parametrize("name", ["demo", "record", "show", "compare", "playground"])
def test_help_ends_with_an_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert (
        capsys.readouterr().out.splitlines()[-1].startswith(f"example: python -m visualize {name} ")
    )


def test_the_version_is_told(here: Path) -> None:
    done = run("--version", cwd=here)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")
