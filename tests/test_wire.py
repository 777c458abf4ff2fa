"""Findings as data for a page."""

from __future__ import annotations

import json

from tests.runs import Shop, run
from visualize import explain
from visualize.answers.wire import findings_json


def test_findings_are_json_and_say_what_the_objects_do() -> None:
    recording = run(1, Shop(hold=40))
    (finding,) = explain(recording)
    data = findings_json([finding])
    assert json.loads(json.dumps(data)) == data
    (told,) = data
    assert (told["rule"], told["cost_ns"]) == (finding.rule, finding.cost)
    assert (told["sentence"], told["victims_count"]) == (str(finding), len(finding.victims))
    assert told["cause"] == {
        "kind": "task", "name": "resize", "mode": "after_response", "line": None,
        **finding.where._asdict(),
    }  # fmt: skip
    worst = finding.victims[0]
    assert told["victims"][0] == {
        **worst.place._asdict(), "title": worst.title, "lost_ns": worst.lost,
    }  # fmt: skip


def test_whose_work_it_was_and_who_lost_time_is_found_in_the_recording() -> None:
    recording = run(1, Shop(hold=40))
    (told,) = findings_json(explain(recording), victims=1_000)
    tasks = {(one.process, one.id, None) for one in recording}
    tasks |= {(one.process, one.id, task.id) for one in recording for task in one.tasks}
    assert len(told["victims"]) == told["victims_count"]
    for place in (told["cause"], *told["victims"]):
        assert (place["process"], place["request"], place["task"]) in tasks
