"""Run the test suites of FastAPI and Starlette in parts, with ours and without."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .expected import DIFFERENT, UNFIT
from .prepare import python, source

PLUGIN = Path(__file__).parent / "plugin"
PART_TIMEOUT = 600
PARTS = {"fastapi": 6, "starlette": 1}
"""In how many parts each suite runs, so that all cores have work to the end."""

VARIANTS = {
    "fastapi": ("alone", "lifespans", "tasks", "watch"),
    "starlette": ("alone", "lifespans", "watch"),
}

Outcomes = dict[str, tuple[str, str]]
PASSED = ("passed", "")


class Compared(NamedTuple):
    """The tests that do not pass with ours: which pass without ours, and which do not either."""

    different: dict[str, str]
    alike: list[str]


@dataclass(frozen=True)
class Part:
    """Some of a suite's files, run in one variant."""

    suite: str
    variant: str
    number: int

    def __call__(self) -> Compared:
        """Run them with ours, and without ours those that did not pass.

        What passes with ours needs no comparison.
        """
        ours = run(self.suite, self.variant, self.files, ours=True)
        # Their limits are made for an idle machine.
        late = [test for test, (_, error) in ours.items() if "timeout" in error.lower()]
        ours |= run(self.suite, self.variant, late, ours=True)
        missing = set(self.files) - {file_of(test) for test in ours}
        assert not missing, f"no test was run of {sorted(missing)}"
        plain = run(self.suite, self.variant, self._to_compare(ours), ours=False)
        bad = {test: error for test, (outcome, error) in ours.items() if outcome != "passed"}
        different = {test: bad[test] for test in bad if plain.get(test, PASSED)[0] == "passed"}
        failed = [test for test, (outcome, _) in plain.items() if outcome == "failed"]
        return Compared(different, [test for test in failed if test in bad])

    def _to_compare(self, ours: Outcomes) -> list[str]:
        """Return what to run without ours.

        Of a file with a failed test it is all, since a test may depend on those before it.
        """
        failed = {test for test, (outcome, _) in ours.items() if outcome == "failed"}
        files = {file_of(test) for test in failed - self.expected.keys()}
        others = {test for test, (outcome, _) in ours.items() if outcome != "passed"}
        return sorted(files | {test for test in others if file_of(test) not in files})

    @property
    def expected(self) -> dict[str, str]:
        """The tests of this part that are known to differ, each with the reason."""
        files = set(self.files)
        return {
            test: reason
            for (suite, variant, test), reason in DIFFERENT.items()
            if (suite, variant) == (self.suite, self.variant) and file_of(test) in files
        }

    def _takes(self, text: str) -> bool:
        if "def test" not in text:
            return False
        # Half of the time goes to files whose tests start processes. They run with lifespans in
        # the variant `tasks`, and otherwise in `alone`.
        return self.variant != "lifespans" or "run_in_subprocess" not in text

    def __str__(self) -> str:
        return f"{self.suite}-{self.variant}-{self.number}"

    @property
    def files(self) -> list[str]:
        """The files of this part."""
        folder = source(self.suite)
        found = sorted(
            str(file.relative_to(folder))
            for file in folder.glob("tests/**/test_*.py")
            if self._takes(file.read_text())
        )
        return found[self.number :: PARTS[self.suite]]


def file_of(test: str) -> str:
    """Return the file in which a test stands."""
    return test.split("::")[0]


def parts() -> list[Part]:
    """Return all parts of all suites in all variants."""
    return [
        Part(suite, variant, number)
        for suite, variants in VARIANTS.items()
        for variant in variants
        for number in range(PARTS[suite])
    ]


def run(suite: str, variant: str, tests: list[str], *, ours: bool) -> Outcomes:
    """Return how each of these tests ended; a file stands for all of its tests."""
    if not tests:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        environment = {
            "COMPANY": f"{suite} {variant} {'ours' if ours else 'plain'}",
            "COMPANY_REPORT": str(report),
            "PYTHONPATH": str(PLUGIN),
        }
        options = ["-q", "-p", "company_report", "-p", "no:sugar", "-p", "no:cacheprovider",
                   "--basetemp", f"{folder}/tmp"]  # fmt: skip
        for unfit in UNFIT.get((suite, variant), ()):
            options += ["--deselect", unfit]
        done = subprocess.run(
            [python(suite), "-m", "pytest", *options, *tests],
            cwd=source(suite), env=os.environ | environment, capture_output=True, text=True,
            timeout=PART_TIMEOUT, check=False,
        )  # fmt: skip
        # 0: all passed; 1: some did not; 5: all of them were skipped.
        assert done.returncode in (0, 1, 5), f"{suite} {variant}: {done.stdout}\n{done.stderr}"
        outcomes: Outcomes = json.loads(report.read_text())
        return outcomes
