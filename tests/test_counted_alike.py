"""A task that ended badly: the summary, the live page, `record` and a figure count the same."""

from __future__ import annotations

import pytest

from fastapi_tasks import Event, Recorder
from fastapi_tasks.timeline import OUTCOMES, Mode, Outcome, TaskRecord
from visualize import summary
from visualize.cli.counters import Counters
from visualize.figure.crowd import crowd
from visualize.live.counting import Counting

from .samples import checkout


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("mode", ["after_response", "spawned"])
def test_all_who_count_failures_agree(mode: Mode, outcome: Outcome) -> None:
    task = TaskRecord("mail", mode, 0, 0, 0, 1, outcome)
    timeline = checkout()
    timeline.tasks = [task]
    [row] = summary(timeline).tasks
    told, line = Counting(Recorder()), Counters()
    for counts in (told, line):
        counts.take(Event("finished", timeline, task))
    assert told.told()["errors"] == line.errors == crowd([timeline]).failures == row.errors
