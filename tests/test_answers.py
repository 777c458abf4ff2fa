"""The answers to a recording stand apart from everything that draws it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from visualize import difference, explain, parse, select, summary
from tests.samples import checkout

str(summary(checkout())), str(difference(checkout(), checkout())), explain(checkout())
select([checkout()], "name:mail")
print(*sorted(sys.modules))
"""

PAINTERS = ("figure", "page", "perfetto", "terminal", "notebook", "columns", "live", "lab", "cli")


def test_answering_loads_nothing_that_draws_or_serves() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "visualize.answers.findings" in loaded
    assert loaded & {f"visualize.{name}" for name in PAINTERS} == set()
    assert loaded & {"matplotlib", "numpy", "uvicorn", "httpx"} == set()
