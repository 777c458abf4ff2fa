"""A type checker refuses wrong arguments to `schedule`, in both forms, and accepts right ones."""

import re
from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api", reason="mypy is not installed")

TYPED = Path(__file__).parent / "typed"


@pytest.mark.slow
def test_what_is_right_passes_and_each_wrong_line_is_an_error(tmp_path: Path) -> None:
    options = ["--strict", "--show-error-codes", "--no-error-summary", f"--cache-dir={tmp_path}"]
    output, errors, _ = api.run([*options, str(TYPED / "right.py"), str(TYPED / "wrong.py")])
    assert errors == ""
    found = set()
    for line in output.splitlines():
        error = re.fullmatch(r".*?(\w+\.py):(\d+): error: .*\[([a-z-]+)\]", line)
        if error:
            found.add((error[1], int(error[2]), error[3]))
        else:
            assert ": note: " in line
    wanted = {
        ("wrong.py", number, line.partition("# E: ")[2])
        for number, line in enumerate((TYPED / "wrong.py").read_text().splitlines(), start=1)
        if "# E: " in line
    }
    assert len(wanted) == 15
    assert found == wanted
