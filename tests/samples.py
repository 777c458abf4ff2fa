"""Timelines made by hand, for tests that need one without running a server."""

from __future__ import annotations

import random

from fastapi_tasks.timeline import (
    OUTCOMES,
    SCHEDULED_MODES,
    Busy,
    ClientView,
    Span,
    SpanKind,
    TaskRecord,
    Timeline,
)

MS = 1_000_000
WALL = 1_764_000_000_000_000_000


def checkout(number: int = 1, at: int = 0) -> Timeline:
    """A checkout with every kind of task and outcome, starting at `at` nanoseconds."""

    def ms(value: float) -> int:
        return at + round(value * MS)

    return Timeline(
        id=number,
        kind="http",
        method="POST",
        path="/checkout",
        route="/checkout",
        process=7,
        wall=WALL + at,
        request_start=ms(0),
        endpoint_start=ms(0.4),
        endpoint_end=ms(12),
        response_start=ms(12.2),
        response_sent=ms(12.6),
        request_end=ms(12.8),
        status=200,
        tasks=[
            TaskRecord("validate_payment", "immediate", ms(1), ms(1), ms(1.1), ms(31), "ok"),
            TaskRecord(
                "finalize_order",
                "after_route",
                ms(11),
                ms(12.1),
                ms(12.3),
                ms(24),
                "ok",
                shield=True,
            ),
            TaskRecord("send_mail", "after_response", ms(11.2), ms(12.6), ms(12.7), ms(42), "ok"),
            TaskRecord(
                "print_label",
                "after_response",
                ms(11.4),
                ms(12.6),
                ms(13),
                ms(30),
                "ok",
                thread=True,
            ),
            TaskRecord(
                "notify_shipping",
                "after_response",
                ms(11.5),
                ms(12.6),
                ms(12.8),
                ms(20),
                "error",
                error="ConnectionError",
            ),
            TaskRecord("audit", "immediate", ms(25), ms(25), ms(25.1), ms(27), "ok", parent=0),
        ],
        busy=[Busy(ms(13), ms(35), "send_mail", task=2)],
        client=ClientView(ms(-0.8), ms(13.1), ms(13.4)),
    )


def late() -> Timeline:
    """A request of the same process, with a task that waits for the loop that a checkout holds."""
    return Timeline(
        id=2, kind="http", method="GET", path="/late", wall=WALL + 14 * MS, process=7,
        request_start=14 * MS, response_sent=36 * MS, request_end=36 * MS, status=200,
        tasks=[TaskRecord("late_one", "immediate", 14 * MS, 14 * MS, 36 * MS, 40 * MS, "ok")],
    )  # fmt: skip


def watched(number: int = 1, at: int = 0) -> Timeline:
    """An order as an app that knows nothing of us takes it, watched, `at` nanoseconds.

    A background task and a spawned one, and what took the time, nested.
    """

    def ms(value: float) -> int:
        return at + round(value * MS)

    def span(
        kind: SpanKind, name: str, start: float, end: float, parent: int | None = None,
        task: int | None = None,
    ) -> Span:  # fmt: skip
        return Span(name, kind, ms(start), ms(end), task, parent)

    mail = TaskRecord("send_mail", "background", ms(9.9), ms(12.1), ms(12.3), ms(30), "ok")
    cache = TaskRecord("warm_cache", "spawned", ms(10.2), ms(10.2), ms(10.4), ms(19), "ok")
    return Timeline(
        id=number,
        kind="http",
        method="POST",
        path="/orders",
        route="/orders",
        process=7,
        wall=WALL + at,
        request_start=ms(0),
        endpoint_start=ms(1.9),
        endpoint_end=ms(11),
        response_start=ms(11.6),
        response_sent=ms(12.1),
        request_end=ms(31),
        status=200,
        tasks=[mail, cache],
        spans=[
            span("middleware", "GZipMiddleware", 0.05, 30.95),
            span("dependency", "get_db", 0.3, 0.9, 0),
            span("pool", "", 0.4, 0.8, 1),
            span("dependency", "current_user", 0.95, 1.6, 0),
            span("sql", "SELECT users", 1.05, 1.55, 3),
            span("validation", "", 1.65, 1.85, 0),
            span("endpoint", "create_order", 1.9, 11, 0),
            span("sql", "SELECT carts", 2.1, 3.1, 6),
            span("http", "payments.example", 3.2, 8.6, 6),
            span("sql", "INSERT orders", 8.8, 9.8, 6),
            span("serialization", "", 11.1, 11.5, 0),
            span("sending", "", 11.55, 12.1, 0),
            span("close", "get_db", 30.2, 30.8, 0),
            span("thread", "render_mail", 12.6, 22, task=0),
            span("sql", "UPDATE orders", 22.4, 29.5, task=0),
            span("redis", "SET", 11, 18, task=1),
        ],
    )


def repeating(times: int = 159, number: int = 1, at: int = 0) -> Timeline:
    """A watched order in which one helper ran so many times, and failed once."""
    timeline = watched(number, at)
    for turn in range(times):
        start = timeline.request_start + 3_300_000 + turn * 5 * MS // times
        timeline.spans.append(
            Span("_with_session", "thread", start, start + 3 * MS // times, None, 8, id=16 + turn)
        )
    timeline.spans[-1].error = "TimeoutError"
    return timeline


def random_timelines(requests: int, tasks: int, seed: int = 0) -> list[Timeline]:
    """`requests` requests one after another, overlapping, with `tasks` tasks each."""
    rng = random.Random(seed)
    timelines = []
    at = 0
    for number in range(1, requests + 1):
        at += rng.randrange(1, 40 * MS)
        end = at + rng.randrange(2 * MS, 60 * MS)
        timeline = Timeline(
            id=number,
            kind="http",
            method=rng.choice(["GET", "POST"]),
            path=f"/items/{number % 7}",
            route="/items/{item_id}",
            process=1,
            wall=WALL + at,
            request_start=at,
            endpoint_start=at + 100_000,
            endpoint_end=end - 500_000,
            response_start=end - 300_000,
            response_sent=end,
            request_end=end + 50_000,
            status=200,
        )
        for index in range(tasks):
            mode = rng.choice(SCHEDULED_MODES)
            requested = rng.randrange(at + 100_000, end - 500_000)
            released = {"immediate": requested, "after_route": end - 400_000}.get(mode, end)
            started = released + rng.randrange(1_000, 3 * MS)
            finished = started + rng.randrange(10_000, 120 * MS)
            timeline.tasks.append(
                TaskRecord(
                    f"task_{index % 12}", mode, requested, released, started, finished,
                    rng.choice(OUTCOMES[:2]), thread=rng.random() < 0.3, id=index,
                )
            )  # fmt: skip
        timelines.append(timeline)
    return timelines
