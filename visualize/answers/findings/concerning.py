"""The findings that have to do with some of a recording's requests and tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fastapi_tasks.timeline import Timeline

from .evidence import place_of
from .finding import Finding


def concerning(findings: Iterable[Finding], timelines: Sequence[Timeline]) -> list[Finding]:
    """Return the findings whose place to look at, or one of whose victims, is in these requests.

    Of a request only the tasks count that it still has: see `select`.
    """
    places = {place_of(one) for one in timelines}
    places |= {place_of(one, task) for one in timelines for task in one.tasks}
    return [
        finding
        for finding in findings
        if finding.where in places or any(victim.place in places for victim in finding.victims)
    ]
