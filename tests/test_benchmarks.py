"""The benchmark's own arithmetic, and that its processes measure what they are asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import chart, results
from tests.benchmarks.gate import regressions
from tests.benchmarks.numbers import paired_ratio, percentile, written
from tests.benchmarks.results import Results, Subject
from tests.benchmarks.sites import Client, serving
from tests.benchmarks.table import table
from tests.benchmarks.targets import TARGETS, Target, summary
from tests.benchmarks.workers import working

DATE = "2026-11-24"


def scheduling(on: float, **more: float) -> Results:
    row = {"on": on, **more}
    return {"scheduling": Subject("×", ["0.1", "on"], {"asyncio: none": row}, date=DATE)}


def test_a_ratio_pairs_times_of_one_round() -> None:
    # The second round was ten times slower for both: the machine's doing, not the contender's.
    assert paired_ratio([3, 30, 4], [2, 20, 2]) == 1.5


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 51), (99, 100), (100, 100)])
def test_a_percentile_is_one_of_the_values(percent: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0421, "0.042"), (1.084, "1.08"), (16.34, "16.3"), (5263.2, "5,263"), (2.0, "2"), (0, "0")],
)
def test_a_number_has_three_digits(value: float, text: str) -> None:
    assert written(value) == text


def test_a_number_may_get_worse_but_not_by_a_third() -> None:
    assert list(regressions(scheduling(1.95), scheduling(1.5))) == []
    assert list(regressions(scheduling(1.96), scheduling(1.5))) == [
        "scheduling, asyncio: none, on: 1.96, was 1.50"
    ]


def test_what_is_next_to_nothing_may_grow() -> None:
    def memory(off: float) -> Results:
        return {"memory": Subject("bytes", ["off"], {"bytes per request": {"off": off}}, date=DATE)}

    assert list(regressions(memory(9), memory(3))) == []
    assert len(list(regressions(memory(300), memory(3)))) == 1


def test_only_our_own_numbers_can_regress() -> None:
    new, committed = scheduling(1.5, **{"0.1": 9.0}), scheduling(1.5, **{"0.1": 2.0})
    assert list(regressions(new, committed)) == []


def test_what_was_not_measured_before_cannot_regress() -> None:
    assert list(regressions(scheduling(3.1), {})) == []


def test_a_target_judges_the_worst_number() -> None:
    rows = {"asyncio: none": {"on": 1.2}, "uvloop: none": {"on": 1.4, "off": 9.0}}
    measured = {"scheduling": Subject("×", ["on", "off"], rows)}
    at_most = Target("cost", "scheduling", "*: none", "on", 1.3, "×")
    at_least = Target("cost", "scheduling", "*: none", "on", 1.3, "×", at_least=True)
    assert (at_most.worst(measured), at_least.worst(measured)) == (1.4, 1.2)
    assert [at_most.met(1.3), at_most.met(1.4)] == [True, False]
    assert [at_least.met(1.3), at_least.met(1.2)] == [True, False]


def test_the_summary_tells_what_was_measured() -> None:
    assert summary(scheduling(1.25), scheduling(1.5)).splitlines()[1:] == [
        "targets: the worst number of each, the committed one in brackets",
        "  met     Tasks in the endpoint, none scheduled         ≤ 1.25 ×  1.25 (1.50)",
    ]


def test_a_table_has_the_committed_number_beside_the_new_one() -> None:
    new, committed = scheduling(1.25, **{"0.1": 2.0}), scheduling(1.5)
    new["scheduling"].notes.append("uvloop is not installed")
    assert table("scheduling", new["scheduling"], committed["scheduling"]) == (
        "\nscheduling: ×\n"
        "                 0.1           on\n"
        "  asyncio: none    2  1.25 (1.50)\n"
        "  uvloop is not installed"
    )


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    results.save(scheduling(1.25), file)
    assert results.load(file) == scheduling(1.25)


def test_results_of_another_format_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text('{"format": 2}')
    with pytest.raises(ValueError, match="has format 2, this reads 1: measure anew"):
        results.load(file)


def test_every_target_finds_its_number_in_the_committed_results() -> None:
    committed = results.load()
    assert [target.what for target in TARGETS if target.worst(committed) is None] == []


def test_the_committed_results_make_a_chart_of_four_panels() -> None:
    figure = chart.draw(results.load(), chart.footnote(results.read()))
    assert [len(axes.patches) for axes in figure.axes] == [4, 4, 4, 3]


def test_a_worker_times_every_case_of_each_round() -> None:
    cases = [["plain", 0, "immediate"], ["on", 3, "after_route"], ["BackgroundTasks", 3, ""]]
    with working() as worker:
        for kind in "async", "def":
            assert worker.say({"subject": "scheduling", "kind": kind, "cases": cases}) == []
            for number in range(2):
                plain, *others = worker.say(number)
                assert plain > 0
                # Each of the others does what plain does, and runs three tasks besides.
                assert len(others) == 2
                assert min(others) > 0
            worker.tell(None)


def test_a_worker_counts_what_requests_and_tasks_keep() -> None:
    with working() as worker:
        recorded, forgotten = (
            worker.say({"subject": "recorded", "contender": name, "tasks": 3})
            for name in ("on", "off")
        )
        assert forgotten < 100 < recorded < 2000
        assert worker.say({"subject": "pending", "contender": "on", "tasks": 10}) > 500
        assert worker.say({"subject": "growth", "contender": "on", "requests": 300}) < 1000


@pytest.mark.parametrize("contender", ["plain", "BackgroundTasks", "on"])
def test_a_client_visits_a_site_in_both_ways(contender: str) -> None:
    with serving(contender) as port, working() as worker:
        client = Client(worker)
        order = {"path": "/orders?cart_id=3", "method": "POST"}
        seconds, taken = client.visit(port, **order, requests=12, connections=3)
        assert seconds > 0
        assert (len(taken), taken) == (12, sorted(taken))
        assert len(client.visit(port, "/def", requests=3, every=0.001)[1]) == 3


def test_a_worker_that_dies_is_named() -> None:
    with working() as worker, pytest.raises(RuntimeError, match="ended early, with exit code 1"):
        worker.say({"subject": "nothing of the kind"})
