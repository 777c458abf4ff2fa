"""Timelines become lanes, bars, marks, signs and arrows."""

from __future__ import annotations

from tests.samples import MS, checkout
from visualize.layout import arrange
from visualize.scene import Bar, Lane


def test_a_checkout_has_a_lane_for_each_task() -> None:
    scene = arrange(checkout())

    assert scene.lanes == (
        Lane("client", "client", 0),
        Lane("request", "POST /checkout #1", 0),
        Lane("task", "validate_payment", 0, 0, "immediate"),
        Lane("task", "finalize_order", 0, 1, "after_route"),
        Lane("task", "send_mail", 0, 2, "after_response"),
        Lane("task", "print_label", 0, 3, "after_response", thread=True),
        Lane("task", "notify_shipping", 0, 4, "after_response"),
        Lane("task", "audit", 0, 5, "immediate"),
        Lane("loop", "event loop", 0),
    )


def test_a_task_waits_and_then_runs() -> None:
    bars = [bar for bar in arrange(checkout()).bars if bar.task == 0]

    assert bars == [
        Bar(2, 1 * MS, 1_100_000, "wait", 0, 0, "immediate"),
        Bar(2, 1_100_000, 31 * MS, "run", 0, 0, "immediate"),
    ]
