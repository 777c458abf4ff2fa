"""How long all notebooks take through nbclient, two at a time."""

from __future__ import annotations

import time

from notebooks.execute import notebooks, read, run, run_all
from tests.benchmarks.environments import has
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Run every notebook afresh; their files stay as they are."""
    subject = Subject("seconds, two kernels at a time", ["seconds"])
    paths = notebooks(["00"] if quick else [])
    if not has("taskiq"):
        subject.notes.append("the notebook on handing over is left out: pip install taskiq")
        paths = [path for path in paths if "handing_over" not in path.name]
    began = time.perf_counter()
    with run_all(paths, lambda path: run(read(path))) as futures:
        for path, future in futures.items():
            progress.step(path.stem)
            future.result()
    seconds = round(time.perf_counter() - began, 1)
    subject.rows["all notebooks" if not quick else "the first notebook"] = {"seconds": seconds}
    return subject
