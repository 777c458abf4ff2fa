"""Run the test suites of FastAPI and Starlette in parts, with ours and without."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .prepare import python, source

PLUGIN = Path(__file__).parent / "plugin"
PART_TIMEOUT = 600
PARTS = {"fastapi": 4, "starlette": 1}
"""In how many parts each suite runs, so that all cores have work to the end."""

VARIANTS = {"fastapi": ("alone", "lifespans", "tasks"), "starlette": ("alone", "lifespans")}

Outcomes = dict[str, tuple[str, str]]
PASSED = ("passed", "")


@dataclass(frozen=True)
class Part:
    """Some of a suite's files, run in one variant."""

    suite: str
    variant: str
    number: int

    def __call__(self) -> dict[str, str]:
        """Return the tests that pass without ours and do not pass with ours, each with its error.

        What passes with ours needs no comparison, so only the files of the other tests are run
        without ours, all of each, since a test may depend on those before it.
        """
        ours = run(self.suite, self.variant, self.files, ours=True)
        missing = set(self.files) - {test.split("::")[0] for test in ours}
        assert not missing, f"no test was run of {sorted(missing)}"
        bad = {test: error for test, (outcome, error) in ours.items() if outcome != "passed"}
        again = sorted({test.split("::")[0] for test in bad})
        plain = run(self.suite, self.variant, again, ours=False) if again else {}
        return {test: bad[test] for test in bad if plain.get(test, PASSED)[0] == "passed"}

    def __str__(self) -> str:
        return f"{self.suite}-{self.variant}-{self.number}"

    @property
    def files(self) -> list[str]:
        """The files of this part."""
        folder = source(self.suite)
        found = sorted(str(file.relative_to(folder)) for file in folder.glob("tests/**/test_*.py"))
        return found[self.number :: PARTS[self.suite]]


def parts() -> list[Part]:
    """Return all parts of all suites in all variants."""
    return [
        Part(suite, variant, number)
        for suite, variants in VARIANTS.items()
        for variant in variants
        for number in range(PARTS[suite])
    ]


def run(suite: str, variant: str, files: list[str], *, ours: bool) -> Outcomes:
    """Return how each test in these files ended."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        environment = {
            "COMPANY": f"{suite} {variant} {'ours' if ours else 'plain'}",
            "COMPANY_REPORT": str(report),
            "PYTHONPATH": str(PLUGIN),
        }
        options = ["-q", "-p", "company_report", "-p", "no:sugar", "-p", "no:cacheprovider",
                   "--basetemp", f"{folder}/tmp"]  # fmt: skip
        done = subprocess.run(
            [python(suite), "-m", "pytest", *options, *files],
            cwd=source(suite), env=os.environ | environment, capture_output=True, text=True,
            timeout=PART_TIMEOUT, check=False,
        )  # fmt: skip
        # 0: all passed; 1: some did not; 5: all of them were skipped.
        assert done.returncode in (0, 1, 5), f"{suite} {variant}: {done.stdout}\n{done.stderr}"
        outcomes: Outcomes = json.loads(report.read_text())
        return outcomes
