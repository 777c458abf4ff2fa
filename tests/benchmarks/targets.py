"""The numbers that must be reached, and whether they are."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.benchmarks.numbers import written
from tests.benchmarks.results import Results


@dataclass(frozen=True)
class Target:
    """A limit for the worst of the numbers that `rows` and `columns` match, as file names are."""

    what: str
    subject: str
    rows: str
    columns: str
    limit: float
    unit: str
    at_least: bool = False

    def worst(self, results: Results) -> float | None:
        """Return the number furthest from good; None if there is none."""
        subject = results.get(self.subject)
        found = [
            value
            for name, row in (subject.rows.items() if subject else ())
            if fnmatchcase(name, self.rows)
            for column, value in row.items()
            if fnmatchcase(column, self.columns)
        ]
        if not found:
            return None
        return min(found) if self.at_least else max(found)

    def met(self, value: float) -> bool:
        """Tell whether a number keeps the limit."""
        return value >= self.limit if self.at_least else value <= self.limit


TARGETS = [
    Target("Tasks in the endpoint, none scheduled", "scheduling", "*: none", "on", 1.25, "×"),
    Target("1 async task, any mode", "scheduling", "*: 1 async*", "on", 1.6, "×"),
    Target("3 async tasks, any mode", "scheduling", "*: 3 async*", "on", 2.0, "×"),
    Target("endpoint without Tasks", "scheduling", "*: none", "unused", 1.12, "×"),
    Target("recorded request, 3 tasks", "memory", "bytes per recorded*", "on", 1600, "bytes"),
    Target("growth over all requests", "memory", "blocks gained*", "on", 50, "blocks"),
    Target("import after fastapi", "imports", "import fastapi_tasks*", "ours", 10, "ms"),
    Target("matplotlib, jupyter imported", "imports", "of matplotlib*", "ours", 0, "modules"),
    Target("marks against stamps, idle", "fidelity", "*", "idle p99", 100, "µs"),
    Target("figure of 1,000 tasks", "drawing", "1,000 *seconds", "plot*", 0.5, "s"),
    Target("figure of 10,000 tasks", "drawing", "10,000 *seconds", "plot*", 1.0, "s"),
    Target("findings, summary: 10,000", "answers", "10,000 *", "explain, summary", 1, "s"),
    Target("viewer as served", "drawing", "empty page, compressed*", "to_html", 40, "KB"),
    Target("page of 10,000 tasks", "drawing", "10,000 *KB", "to_html", 300, "KB"),
    Target("p95 frame, 100,000 tasks", "viewer", "100,000 *", "*p95*", 16.7, "ms"),
    # At 60 Hz: less than one frame in a hundred missed.
    Target("frames, 100,000 tasks", "viewer", "100,000 *", "*fps", 59.5, "fps", at_least=True),
    Target("frames, 1,000,000 tasks", "viewer", "1,000,000 *", "*fps", 50, "fps", at_least=True),
    Target("live page, p95 task end to pixel", "live", "*", "p95*", 250, "ms"),
    Target("live page, lost or doubled", "live", "*", "[ld]o*", 0, "tasks"),
    Target("200 readers against one, CPU", "readers", "200*", "×*", 1.5, "×"),
    Target("all notebooks", "notebooks", "all*", "seconds", 90, "s"),
]


def summary(new: Results, committed: Results) -> str:
    """Return one line for each target that was measured now."""
    lines = ["\ntargets: the worst number of each, the committed one in brackets"]
    for target in TARGETS:
        value = target.worst(new)
        if value is None:
            continue
        before = target.worst(committed)
        old = f" ({written(before)})" if before is not None else ""
        sign = "≥" if target.at_least else "≤"
        verdict = "met" if target.met(value) else "NOT MET"
        limit = f"{sign} {written(target.limit)} {target.unit}"
        lines.append(f"  {verdict:8}{target.what:38} {limit:>15}  {written(value)}{old}")
    return "\n".join(lines)
