"""Timelines made by hand, for tests that need one without running a server."""

from __future__ import annotations

import random

from fastapi_tasks.timeline import MODES, OUTCOMES, Busy, ClientView, TaskRecord, Timeline

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
            mode = rng.choice(MODES)
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
