"""Run flows, each in a process of its own, as many at once as there are cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
FLOW_TIMEOUT = 60

OFFLINE = {
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_TRACE_STARTUP_LOGS": "false",
    "NEW_RELIC_APP_NAME": "shop",
    "NEW_RELIC_DEVELOPER_MODE": "true",
    "NEW_RELIC_LICENSE_KEY": "0" * 40,
    "NEW_RELIC_LOG": "stderr",
}
"""What keeps the integrations that would send by themselves from doing so."""


@dataclass(frozen=True)
class Run:
    """One flow, such as `see_spans` of `sentry`, with `add_tasks` at one place."""

    integration: str
    flow: str
    where: str

    def __call__(self) -> dict[str, Any]:
        """Run it to its end; return what it printed. Raises AssertionError if it failed."""
        command = [sys.executable, "-m", __name__, *astuple(self)]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | OFFLINE, capture_output=True, text=True,
            timeout=FLOW_TIMEOUT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{self} failed:\n{done.stdout}\n{done.stderr}"
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result


class Pool:
    """Runs everything that it is told of in advance, and gives each result to who asks for it."""

    def __init__(self) -> None:
        self._workers = ThreadPoolExecutor(os.cpu_count())
        self._results: dict[Any, Future[Any]] = {}

    def start(self, run: Callable[[], Any]) -> None:
        """Call `run` when a core is free, once, however often it is asked for."""
        if run not in self._results:
            self._results[run] = self._workers.submit(run)

    def result(self, run: Callable[[], Any]) -> Any:
        """Return what `run` returned, or raise what it raised."""
        self.start(run)
        return self._results[run].result()

    def results(self) -> list[tuple[Any, Any]]:
        """Return what has come to a good end: what ran, and its result."""
        ended = [(run, future) for run, future in self._results.items() if future.done()]
        good = [(run, future) for run, future in ended if not future.cancelled()]
        return [(run, future.result()) for run, future in good if not future.exception()]

    def close(self) -> None:
        """Start nothing more, and wait for what runs."""
        self._workers.shutdown(cancel_futures=True)


def main(integration: str, flow: str, where: Any) -> None:
    """Run one flow in this process and print what came of it."""
    warnings.filterwarnings("error", module="fastapi_tasks")
    # Some of them have to come before FastAPI is imported.
    see = getattr(import_module(f"{__package__}.flows.{integration}"), flow)
    from .shop import Shop

    shop = Shop(where)
    saw = see(shop)
    result = {
        "saw": {what: sorted(lines) for what, lines in saw.items()} | {"answers": shop.answers},
        "timelines": shop.timelines,
        "due": shop.due,
        "looked": shop.looked,
    }
    print("\n" + json.dumps(result), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
