"""How far recorded marks are from stamps that user code takes at the same moments."""

from __future__ import annotations

from contextlib import ExitStack

import httpx

from tests.benchmarks.numbers import percentile
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.benchmarks.sites import Client, serving
from tests.benchmarks.workers import working

IDLE = {"requests": 100, "every": 0.01}
LOADED = {"requests": 500, "connections": 8}

UNIT = "µs between mark and stamp; idle: a request every 10 ms, loaded: 8 connections at full speed"


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Compare the marks of one app, idle and loaded."""
    subject = Subject(UNIT, [f"{when} p{p}" for when in ("idle", "loaded") for p in (50, 99)])
    with ExitStack() as stack:
        port = stack.enter_context(serving("stamped", "stamped.py"))
        client = Client(stack.enter_context(working()))
        client.visit(port, "/orders", method="POST", requests=200)
        _differences(port)
        for when, how in ("idle", IDLE), ("loaded", LOADED):
            for number in range(2 if quick else 10):
                progress.step(f"{when}, {number + 1}")
                client.visit(port, "/orders", method="POST", **how)
            for what, nanoseconds in _differences(port).items():
                for p in (50, 99):
                    value = round(percentile(nanoseconds, p) / 1e3, 1)
                    subject.rows.setdefault(what, {})[f"{when} p{p}"] = value
    return subject


def _differences(port: int) -> dict[str, list[int]]:
    url = f"http://127.0.0.1:{port}/differences"
    found: dict[str, list[int]] = httpx.get(url, trust_env=False, timeout=30).json()
    return found
