"""Timelines for property tests: any that the data allows, however odd."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from fastapi_tasks.timeline import MODES, OUTCOMES, Busy, ClientView, TaskRecord, Timeline
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
    busy=st.lists(
        st.builds(Busy, moments, moments, names, st.none() | st.integers(0, 5)), max_size=3
    ),
    client=st.none() | st.builds(ClientView, moments, perhaps, perhaps),
)

recordings = st.lists(timelines, max_size=5)
