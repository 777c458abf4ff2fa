"""Run tests several at a time, then those that must have the machine to themselves: `make test`.

`python -m tests.at_once FILE … -- OPTION …` takes files, all by default, and options of pytest. A
test that fails beside others is run once more without them: what it says of a moment or of a share
of the processor may be wrong on a busy machine. One that fails twice fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

AT_ONCE = os.environ.get("AT_ONCE", "2")
"""Many more would wait for each other: most tests run a server, a browser or a process."""

ALONE = tuple(
    f"tests/{name}.py"
    for name in (
        *("browser/test_answering", "findings/test_costs", "findings/test_planted"),
        *("test_benchmarks", "test_difference", "test_fidelity", "test_line_watch", "test_lines"),
        *("test_notebooks", "test_thread_shortage", "test_watch_share"),
    )
)
"""They measure how long something takes or who keeps the interpreter, or use all cores."""

NOTHING_RAN = 5


def pytest(*arguments: str) -> int:
    """Run pytest in a process of its own; return how it ended."""
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def beside(files: list[str], options: list[str]) -> int:
    """Run these beside each other, and what fails once more without others."""
    with tempfile.TemporaryDirectory() as folder:
        options = [*options, "-o", f"cache_dir={folder}"]
        code = pytest("-n", AT_ONCE, "--dist", "loadfile", *options, *files)
        if code != 1:
            return code
        print("What failed beside other tests is run without them:", flush=True)
        again = ["--last-failed", "--last-failed-no-failures", "none"]
        return pytest(*again, *options, *files)


def main(arguments: list[str]) -> int:
    """Run all of it; return 0 if all passed."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    files, options = arguments[:cut], arguments[cut + 1 :]
    crowd = [file for file in files if file not in ALONE]
    lonely = [file for file in ALONE if not files or file in files]
    codes = []
    if crowd or not files:
        codes.append(beside(crowd or [f"--ignore={file}" for file in ALONE], options))
    if lonely:
        codes.append(pytest(*options, *lonely))
    return next((code for code in codes if code not in (0, NOTHING_RAN)), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
