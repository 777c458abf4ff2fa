"""The filter language: the cases of its file, which the viewer's parser is held to as well."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks import Span, Timeline
from fastapi_tasks.recording import from_json
from tests.samples import checkout
from tests.strategies import recordings, unhurried
from visualize import parse, select
from visualize.answers.filter import FilterError

FILE: dict[str, Any] = json.loads((Path(__file__).parent / "filter_cases.json").read_text("utf-8"))
RECORDING = from_json("\n".join(map(json.dumps, FILE["recording"])))
EXPRESSIONS = [case["expression"] for case in FILE["cases"]]
SINGLE = [one for one in EXPRESSIONS if [part.negated for part in parse(one).parts] == [False]]


@pytest.mark.parametrize("case", FILE["cases"], ids=EXPRESSIONS)
def test_a_filter_hits_what_its_case_says(case: dict[str, Any]) -> None:
    found = parse(case["expression"])
    hits = []
    for timeline in RECORDING:
        hits += [f"{timeline.id}"] if found.matches(timeline) else []
        hits += [f"{timeline.id}/{t.name}" for t in timeline.tasks if found.matches(timeline, t)]
    assert hits == case["hits"]


@pytest.mark.parametrize("case", FILE["cases"], ids=EXPRESSIONS)
def test_what_is_selected_holds_a_hit_and_no_other_task(case: dict[str, Any]) -> None:
    hits = case["hits"]
    expected = {
        timeline.id: [t.name for t in timeline.tasks if f"{timeline.id}/{t.name}" in hits]
        for timeline in RECORDING
        if any(hit.partition("/")[0] == str(timeline.id) for hit in hits)
    }
    selected = select(RECORDING, case["expression"])
    assert {one.id: [task.name for task in one.tasks] for one in selected} == expected


@pytest.mark.parametrize("case", FILE["errors"], ids=lambda case: case["expression"])
def test_an_error_points_at_the_word_and_says_what_to_write(case: dict[str, Any]) -> None:
    with pytest.raises(FilterError) as caught:
        parse(case["expression"])
    assert caught.value.position == case["position"]
    assert caught.value.word == case["word"]
    assert str(caught.value).startswith(f"{case['word']} (character {case['position'] + 1}): ")
    for said in case["says"]:
        assert said in str(caught.value)


def test_an_error_shows_no_control_character_of_the_expression() -> None:
    with pytest.raises(FilterError, match=r"mode:\\x1b\[2J \(character 1\)"):
        parse("mode:\x1b[2J")


def test_the_originals_keep_their_tasks() -> None:
    timeline = checkout()
    (selected,) = select([timeline], "name:send_mail")
    assert [task.name for task in selected.tasks] == ["send_mail"]
    assert timeline == checkout()
    assert selected.busy == timeline.busy


def test_spans_of_tasks_that_stay_away_do_so_too() -> None:
    timeline = checkout()
    timeline.spans = [
        Span("get_db", "dependency", 0, 1, id=0),
        Span("SELECT", "sql", 1, 2, task=2, id=1),
        Span("POST", "http", 1, 2, task=0, id=2),
    ]
    (selected,) = select([timeline], "name:send_mail")
    assert [span.name for span in selected.spans] == ["get_db", "SELECT"]


@given(recordings, st.sampled_from(SINGLE))
@unhurried
def test_minus_turns_a_term_into_its_opposite(recording: list[Timeline], expression: str) -> None:
    plain, turned = parse(expression), parse(f"-{expression}")
    for timeline in recording:
        for task in (None, *timeline.tasks):
            assert turned.matches(timeline, task) is not plain.matches(timeline, task)


@given(recordings, st.sampled_from(EXPRESSIONS))
@unhurried
def test_selecting_twice_changes_no_more(recording: list[Timeline], expression: str) -> None:
    before = copy.deepcopy(recording)
    selected = select(recording, expression)
    assert select(selected, expression) == selected
    assert recording == before


@given(st.text() | st.text('-:=<>"\\ amo5x'))
@unhurried
def test_any_text_is_a_filter_or_an_error_that_points_into_it(text: str) -> None:
    wrong = error_of(text)
    assert wrong is None or text[wrong.position :].startswith(wrong.word)


def error_of(text: str) -> FilterError | None:
    try:
        parse(text)
    except FilterError as error:
        return error
    return None
