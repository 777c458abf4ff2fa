"""Findings and summary as data for a page."""

from __future__ import annotations

import json

from tests.runs import Shop, run
from tests.samples import checkout
from visualize import explain, summary
from visualize.answers.wire import answers_json


def test_answers_are_json_and_say_what_the_objects_do() -> None:
    recording = run(1, Shop(hold=40))
    data = json.loads(json.dumps(answers_json(recording)))
    assert data == answers_json(recording)
    (finding,) = explain(recording)
    (told,) = data["findings"]
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
    (told,) = answers_json(recording, victims=1_000)["findings"]
    tasks = {(one.process, one.id, None) for one in recording}
    tasks |= {(one.process, one.id, task.id) for one in recording for task in one.tasks}
    assert len(told["victims"]) == told["victims_count"]
    for place in (told["cause"], *told["victims"]):
        assert (place["process"], place["request"], place["task"]) in tasks


def test_the_summary_has_the_rows_of_each_kind() -> None:
    rows = answers_json(checkout())["summary"]
    expected = summary(checkout())
    assert [row["name"] for row in rows["routes"]] == [row.name for row in expected.routes]
    assert [row["name"] for row in rows["tasks"]] == [row.name for row in expected.tasks]
    assert rows["spans"] == []
    (route,) = rows["routes"]
    assert route["response"]["p95"] == expected.routes[0].response.p95  # type: ignore[union-attr]
    assert (route["wait"], route["run"]) == (None, None)


def test_of_nothing_there_is_nothing() -> None:
    empty = {"findings": [], "summary": {"routes": [], "tasks": [], "spans": []}}
    assert answers_json([]) == empty
