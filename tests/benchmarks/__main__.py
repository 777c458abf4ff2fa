"""Measure: `python -m tests.benchmarks [--quick] [--only SUBJECT …] [--save]`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tests.benchmarks import (
    answers,
    drawing,
    fidelity,
    imports,
    lines,
    live,
    load,
    memory,
    notebooks,
    pieces,
    readers,
    results,
    scheduling,
    threads,
    viewer,
)
from tests.benchmarks.gate import GROSS, regressions
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.benchmarks.table import table
from tests.benchmarks.targets import summary

SUBJECTS: dict[str, Callable[..., Subject]] = {
    "scheduling": scheduling.measure,
    "pieces": pieces.measure,
    "load": load.measure,
    "threads": threads.measure,
    "memory": memory.measure,
    "imports": imports.measure,
    "fidelity": fidelity.measure,
    "lines": lines.measure,
    "drawing": drawing.measure,
    "answers": answers.measure,
    "viewer": viewer.measure,
    "live": live.measure,
    "readers": readers.measure,
    "notebooks": notebooks.measure,
}

QUICK = ("scheduling", "memory", "imports", "drawing", "answers")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the new numbers beside the committed ones, and return the exit code."""
    options = _parse(arguments)
    committed = results.load()
    measured: results.Results = {}
    for name in options.only or (QUICK if options.quick else SUBJECTS):
        progress = Progress(name)
        more = {"peers": True} if options.peers and name == "drawing" else {}
        measured[name] = SUBJECTS[name](progress, quick=options.quick, **more)
        progress.done()
        print(table(name, measured[name], committed.get(name)), flush=True)
        if options.save:
            results.save(committed | measured)
    print(summary(measured, committed))
    return 0 if options.save else _judge(measured, committed)


def _judge(measured: results.Results, committed: results.Results) -> int:
    worse = list(regressions(measured, committed))
    if worse:
        print(f"\nmore than {GROSS} times the committed number:", *worse, sep="\n  ")
        print("if that is meant, commit new numbers: python -m tests.benchmarks --peers --save")
    return 1 if worse else 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute or less, for CI")
    parser.add_argument(
        "--peers", action="store_true", help="draw with plotly, Bokeh and VizTracer too"
    )
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, help="measure only these")
    parser.add_argument("--save", action="store_true", help="write tests/benchmarks/results.json")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
