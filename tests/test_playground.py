"""The playground: what it says about a request is what a real request did."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser

import pytest
from pydantic import ValidationError

from fastapi_tasks import Busy, ClientView, Timeline
from visualize.lab import Lab, serve
from visualize.playground import Experiment, Step, playground
from visualize.playground.experiment import START, make_app, run_blocking, verdict
from visualize.playground.page import POLICY, make_guard, make_page

from .samples import MS, checkout

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    assert [t for t in threading.enumerate() if t.name == "lab server"] == []


# What is tried -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["immediate", "after_route", "after_response"])
def test_a_task_of_each_kind_does_what_it_says(mode: str) -> None:
    kinds = ("awaits", "thread", "blocks")
    experiment = Experiment(ms=0, tasks=[Step(mode=mode, kind=kind, ms=30) for kind in kinds])
    with serve(make_app()) as lab:
        timeline = run_blocking(lab, experiment)
    assert [(task.name, task.mode, task.thread, task.outcome) for task in timeline.tasks] == [
        ("task 1 (awaits)", mode, False, "ok"),
        ("task 2 (thread)", mode, True, "ok"),
        ("task 3 (blocks)", mode, False, "ok"),
    ]
    assert [(segment.culprit, segment.task) for segment in timeline.busy] == [
        ("task 3 (blocks)", 2)
    ]
    assert all((task.ran or 0) >= 30 * MS for task in timeline.tasks)


def test_an_endpoint_that_blocks_holds_its_tasks_up() -> None:
    experiment = Experiment(kind="blocks", ms=30, tasks=[Step(mode="immediate", ms=0)])
    with serve(make_app()) as lab:
        timeline = run_blocking(lab, experiment)
    started = timeline.tasks[0].started
    assert started is not None
    assert timeline.endpoint_end is not None
    assert started > timeline.endpoint_end
    assert timeline.title in [held.culprit for held in timeline.busy]


@pytest.mark.parametrize(
    "fields",
    [
        {"ms": -1},
        {"ms": 1001},
        {"kind": "thread"},
        {"tasks": [{"mode": "later"}]},
        {"tasks": [{"mode": "immediate", "ms": 5000}]},
        {"tasks": [{"mode": "immediate"}] * 13},
        {"name": "x"},
    ],
)
def test_what_cannot_be_tried_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Experiment.model_validate(fields)


def test_the_verdict_says_what_the_client_waited_for() -> None:
    timeline = checkout()
    assert verdict(timeline) == (
        "The client had its answer after 14 ms; all was done after 43 ms. "
        "The event loop was held up by send_mail."
    )
    timeline.busy = [*timeline.busy, Busy(0, MS, "POST /checkout #1"), *timeline.busy]
    assert verdict(timeline).endswith("held up by send_mail, POST /checkout #1.")
    timeline.busy = []
    timeline.client = ClientView(0, 1, 13 * MS)
    assert verdict(timeline) == "The client had its answer after 13 ms; all was done after 42 ms."


# The web page --------------------------------------------------------------------------------


@pytest.fixture
async def page() -> AsyncIterator[Lab]:
    async with serve(make_page()) as served:
        await served.get(make_guard().address)
        yield served


class Addresses(HTMLParser):
    """Collects what a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            (f"{tag} {name}", value)
            for name, value in attrs
            if name in ("src", "href", "action", "style") or name.startswith("on")
        ]


async def test_the_page_needs_nothing_from_elsewhere(page: Lab) -> None:
    response = await page.get("/")
    addresses = Addresses()
    addresses.feed(response.text)
    assert addresses.found == [
        ("link href", "playground.css"),
        ("script src", "playground.js"),
        ("form action", "timeline"),
    ]
    assert response.headers["content-security-policy"] == POLICY
    assert (await page.get("/playground.css")).headers["content-type"].startswith("text/css")
    assert (await page.get("/playground.js")).headers["content-type"].startswith("text/javascript")


async def test_the_form_says_what_is_tried_first(page: Lab) -> None:
    form = (await page.get("/")).text
    chosen = re.findall(r'<option value="(\w*)" selected>', form)
    assert chosen == [
        *("awaits", "immediate", "awaits", "after_route", "awaits", "after_response", "thread"),
        *("", "blocks"),
    ]
    assert re.findall(r'value="(\d+)"', form) == ["20", "40", "30", "60", "50"]


async def test_the_form_is_tried_on_a_real_server(page: Lab) -> None:
    query = "kind=awaits&ms=20&mode=immediate&kind=awaits&ms=5&mode=&kind=blocks&ms=50"
    response = await page.get(f"/timeline?{query}")
    assert response.status_code == 200
    assert re.search(
        r"<title>The client had its answer after \d+ ms; all was done after \d+ ms\.</title>",
        response.text,
    )


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("ms=x", "ms: Input should be a valid integer, unable to parse string as an integer"),
        (
            "mode=later",
            "tasks.0.mode: Input should be 'immediate', 'after_route' or 'after_response'",
        ),
        ("colour=red", "colour: Extra inputs are not permitted"),
    ],
)
async def test_nonsense_is_answered_in_words(page: Lab, query: str, complaint: str) -> None:
    response = await page.get(f"/timeline?{query}")
    assert response.status_code == 422
    assert response.text == f"This cannot be tried. {complaint}"


async def test_it_answers_this_machine_only(page: Lab) -> None:
    response = await page.get("/", headers={"host": "evil.example"})
    assert response.status_code == 403


# In a notebook -------------------------------------------------------------------------------


def test_a_control_that_moves_sends_another_request() -> None:
    shown = playground()
    try:
        first = shown.timeline
        assert shown.experiment == START
        assert [task.mode for task in first.tasks] == ["immediate", "after_route", "after_response"]
        endpoint, *tasks, view = shown.widget.children
        before = view.value
        tasks[3].children[1].value = "after_response"
        assert shown.timeline is not first
        assert [task.name for task in shown.timeline.tasks][3:] == ["task 4 (blocks)"]
        assert view.value != before
        assert view.value.startswith('<iframe sandbox="allow-scripts" srcdoc="&lt;!doctype html')
        endpoint.children[3].value = 5
        assert shown.experiment.ms == 5
    finally:
        shown.close()


def test_a_new_playground_closes_the_one_before() -> None:
    first = playground(Experiment())
    second = playground(Experiment(ms=0, tasks=[Step(mode="immediate", ms=0)]))
    last: Timeline = first.timeline
    first.widget.children[0].children[3].value = 50
    assert first.timeline is last
    second.close()
    second.close()


def test_a_notebook_shows_its_widget() -> None:
    shown = playground(Experiment(ms=0))
    shown.close()
    bundle = shown._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
