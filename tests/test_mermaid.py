"""Timelines as a chart for Markdown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from fastapi_tasks import Timeline
from tests.samples import MS, checkout, random_timelines, watched
from tests.strategies import recordings, unhurried
from visualize import to_mermaid

CHART = """\
gantt
  %% fastapi-tasks-timeline
  dateFormat x
  axisFormat %s ms
  tickInterval 10000millisecond
  section POST /checkout #35;1
  endpoint end :milestone, 12800, 12800
  response sent :milestone, 13400, 13400
  client waits for the response 13.9 ms :done, 0, 13900
  endpoint 11.6 ms :done, 1200, 12800
  response being sent 600 µs :done, 12800, 13400
  ● validate_payment 29.9 ms ✓ :1900, 31800
  ◆ finalize_order is held back 1.1 ms :done, 11800, 12900
  ◆ finalize_order 11.7 ms ✓ :13100, 24800
  ▲ send_mail is held back 1.4 ms :done, 12000, 13400
  ▲ send_mail 29.3 ms ✓ :13500, 42800
  ▲ print_label is held back 1.2 ms :done, 12200, 13400
  ▲ print_label 17 ms ✓ :13800, 30800
  ▲ notify_shipping is held back 1.1 ms :done, 12300, 13400
  ▲ notify_shipping 7.2 ms error :crit, 13600, 20800
  ● audit 1.9 ms ✓ :25900, 27800
  ◼ send_mail holds the event loop, 22 ms :active, crit, 13800, 35800
"""

ROW = re.compile(r"  [^:#;%]+ :((done|active|active, crit|crit|milestone), )?(\d+), (\d+)")


def test_a_checkout_is_a_chart() -> None:
    assert to_mermaid(checkout()) == CHART


def test_a_wait_that_can_be_seen_has_a_row() -> None:
    timeline = checkout()
    mail = timeline.tasks[2]
    mail.started = (mail.released or 0) + 10 * MS
    assert "  ▲ send_mail waits 10 ms :active, 13400, 23400\n" in to_mermaid(timeline)


def test_modes_that_are_not_ours_have_signs_too() -> None:
    chart = to_mermaid(watched())
    assert "  ▼ send_mail 17.7 ms ✓ :" in chart
    assert "  ★ warm_cache 8.6 ms ✓ :" in chart


def test_a_task_that_runs_still_says_so() -> None:
    timeline = checkout()
    timeline.tasks[2].outcome = timeline.tasks[2].finished = None
    assert re.search(r"▲ send_mail [^\n]+ still running :\d+", to_mermaid(timeline))


@pytest.mark.parametrize(("factor", "unit"), [(1, "ms"), (1_000, "s"), (1_000_000, "s")])
def test_the_axis_counts_in_a_unit_that_fits(factor: int, unit: str) -> None:
    timeline = Timeline(1, "http", "GET", "/", 0, 0, request_end=40 * MS * factor)
    assert f"axisFormat %s {unit}\n" in to_mermaid(timeline)


@given(recordings)
@unhurried
def test_every_row_is_one_whatever_names_hold(recording: list[Timeline]) -> None:
    for line in to_mermaid(recording).splitlines()[5:]:
        if line.startswith("  section "):
            assert not set(re.sub(r"#\d+;", "", line.removeprefix("  section "))) & set("#;:%")
        elif not line.startswith("  %%"):
            found = ROW.fullmatch(re.sub(r"#\d+;", "", line))
            assert found, line
            assert int(found[3]) <= int(found[4])


def test_a_chart_is_no_longer_than_github_draws_and_says_so() -> None:
    chart = to_mermaid(random_timelines(1_000, 3))
    assert len(chart) < 50_000
    drawn = chart.count("  section ")
    last = chart.splitlines()[-1]
    assert last == f"  %% {1_000 - drawn} more requests: a chart holds no more than GitHub draws"


def test_of_nothing_there_is_an_empty_chart() -> None:
    assert to_mermaid([]).startswith("gantt\n")
