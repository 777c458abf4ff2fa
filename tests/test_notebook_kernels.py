"""The kernels in which the notebooks are run: forked ones have to be as good as new ones."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from notebooks.execute import private_settings, run

pytest.importorskip("nbclient")


def ran(*sources: str, code: Path | None = None) -> list[str]:
    """What the cells print, in a kernel of their own."""
    notebook = a_notebook(*sources)
    with private_settings():
        run(notebook, **({} if code is None else {"code": code}))
    return ["".join(out.text for out in cell.outputs).strip() for cell in notebook.cells]


def a_notebook(*sources: str) -> Any:
    from nbformat.v4 import new_code_cell, new_notebook

    cells = [new_code_cell(source) for source in sources]  # type: ignore[no-untyped-call]
    return new_notebook(cells=cells)  # type: ignore[no-untyped-call]


def test_kernel_has_the_environment_and_an_empty_folder_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SAID_AFTER_THE_FIRST_FORK", "yes")
    [said, pid, files] = ran(
        "import os; print(os.environ['SAID_AFTER_THE_FIRST_FORK'])",
        "print(os.getpid())",
        "print(os.listdir())",
    )
    assert (said, files) == ("yes", "[]")
    assert int(pid) != os.getpid()


def test_kernel_imports_this_project_from_the_folder_that_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "fastapi_tasks.py").write_text("WHO = 'a changed copy'")
    assert ran("import fastapi_tasks; print(fastapi_tasks.WHO)", code=tmp_path) == [
        "a changed copy"
    ]


def test_nothing_of_this_project_is_imported_before_the_first_cell() -> None:
    [ours] = ran(
        "import sys; print([m for m in sys.modules"
        " if m.partition('.')[0] in ('fastapi_tasks', 'visualize', 'tests')])"
    )
    assert ours == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere kernels are not forked")
def test_other_peoples_packages_are_imported_before_the_first_cell() -> None:
    assert ran("import sys; print({'fastapi', 'matplotlib', 'httpx'} - set(sys.modules))") == [
        "set()"
    ]


def test_kernel_ends_with_its_notebook() -> None:
    [pid] = ran("import os; print(os.getpid())")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_kernel_that_dies_is_reported() -> None:
    from nbclient.exceptions import DeadKernelError

    with pytest.raises(DeadKernelError):
        ran("import os; os._exit(3)")


def test_process_pools_work_in_a_kernel() -> None:
    [total] = ran(
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from multiprocessing import get_context\n"
        "with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as pool:\n"
        "    print(pool.submit(sum, [1, 2]).result())"
    )
    assert total == "3"
