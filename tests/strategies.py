"""Timelines for property tests: any that the data allows, however odd."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from fastapi_tasks.timeline import (
    MODES,
    OUTCOMES,
    SPAN_KINDS,
    Busy,
    ClientView,
    Span,
    TaskRecord,
    Timeline,
)
from tests.samples import MS, WALL

# A loaded machine is no reason to fail.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

moments = st.integers(-2 * MS, 60 * MS) | st.integers(-5, 5)
perhaps = st.none() | moments
names = st.text(max_size=30)

tasks = st.builds(
    TaskRecord,
    name=names,
    mode=st.sampled_from(MODES),
    requested=moments,
    released=perhaps,
    started=perhaps,
    finished=perhaps,
    outcome=st.none() | st.sampled_from(OUTCOMES),
    error=st.none() | st.sampled_from(["ValueError", "KeyError"]),
    thread=st.booleans(),
    shield=st.booleans(),
    parent=st.none() | st.integers(-1, 6),
)

spans = st.builds(
    Span,
    name=names | st.sampled_from(["get_db", "SELECT orders"]),
    kind=st.sampled_from(SPAN_KINDS),
    start=moments,
    end=perhaps,
    task=st.none() | st.integers(-1, 6),
    parent=st.none() | st.integers(-1, 6),
    error=st.none() | st.sampled_from(["ValueError", "TimeoutError"]),
    attributes=st.just({}) | st.just({"db": "sqlite"}),
)
many_spans = st.lists(
    st.builds(
        Span,
        name=st.sampled_from("abcde"),
        kind=st.sampled_from(SPAN_KINDS),
        start=moments,
        end=perhaps,
        task=st.none() | st.integers(0, 2),
        parent=st.none() | st.integers(0, 9),
    ),
    min_size=25,
    max_size=40,
)

timelines = st.builds(
    Timeline,
    id=st.integers(1, 999),
    kind=st.sampled_from(["http", "websocket"]),
    method=st.sampled_from(["GET", "POST", "WEBSOCKET"]),
    path=st.text(max_size=40).map("/".__add__),
    wall=st.integers(WALL, WALL + 200 * MS),
    request_start=moments,
    process=st.integers(1, 2),
    endpoint_start=perhaps,
    endpoint_end=perhaps,
    response_start=perhaps,
    response_sent=perhaps,
    request_end=perhaps,
    status=st.none() | st.sampled_from([200, 404, 500]),
    error=st.none() | st.just("RuntimeError"),
    aborted=st.booleans(),
    tasks=st.lists(tasks, max_size=6),
    spans=st.lists(spans, max_size=6) | many_spans,
    busy=st.lists(
        st.builds(
            Busy,
            moments,
            moments,
            names,
            st.none() | st.integers(0, 5),
            st.none() | st.just("shop/mail.py:42 in render"),
        ),
        max_size=3,
    ),
    client=st.none() | st.builds(ClientView, moments, perhaps, perhaps),
)

recordings = st.lists(timelines, max_size=5)
