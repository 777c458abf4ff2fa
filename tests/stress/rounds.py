"""Play a round in a process of its own, and look at what it left."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from fastapi_tasks import from_json
from tests.servers import COMMANDS, NORMAL_EXIT, Server, ServerProcess, running

from . import ledger
from .check import find_faults
from .evidence import Evidence, Line
from .load import Load
from .plan import Flavour, Plan, draw

DIRECT = ("direct on asyncio", "direct on trio")
WAYS = [way for way in COMMANDS if way != "gunicorn"]
# What a busy machine may take for starting, ending, and all that is not waiting.
PATIENCE = 15.0


@dataclass(frozen=True)
class Round:
    """What came of one round: tasks by outcome, seconds from the signal to the exit, faults."""

    way: str
    plan: Plan
    outcomes: Counter[str]
    seconds: float
    faults: list[str]

    def __str__(self) -> str:
        again = f"--way '{self.way}' --flavour {self.plan.flavour} --seed {self.plan.seed}"
        found = "\n".join(f"  {fault}" for fault in self.faults[:20])
        count = len(self.faults)
        return f"{count} faults; again with: python -m tests.stress --rounds 1 {again}\n{found}"


def play(way: str, seed: int, flavour: Flavour, folder: Path) -> Round:
    """Play one round, which leaves its ledger, log, recording and output in `folder`."""
    plan = draw(seed, flavour)
    settings = {
        "STRESS_SEED": str(seed),
        "STRESS_FLAVOUR": flavour,
        "STRESS_FOLDER": str(folder),
    }
    on = _play_directly if way in DIRECT else _play_on_server
    seconds, code, output = on(way, plan, settings)
    (folder / "output").write_text(output)
    found = Evidence(
        plan=plan,
        ledger=ledger.read(folder / "ledger"),
        timelines=from_json((folder / "recording.jsonl").read_text()),
        log=[Line(*json.loads(line)) for line in (folder / "log").read_text().splitlines()],
        output=output,
    )
    faults = find_faults(found)
    if code != NORMAL_EXIT[way]:
        faults.append(f"the process ended with {code}")
    if seconds > plan.shutdown_timeout + PATIENCE:
        faults.append(f"the process ended {seconds:.1f} s after the signal")
    outcomes = Counter(str(task.outcome) for task in found.tasks)
    return Round(way, plan, outcomes, seconds, faults)


def _play_directly(way: str, plan: Plan, settings: dict[str, str]) -> tuple[float, int, str]:
    process = ServerProcess(way, "stress:app", **settings)
    try:
        process.wait_for("stops")
        signalled = time.monotonic()
        code = process.exit_code()
        return time.monotonic() - signalled, code, process.output
    finally:
        process.kill()


def _play_on_server(way: str, plan: Plan, settings: dict[str, str]) -> tuple[float, int, str]:
    with running(way, "stress:app", **settings) as server:
        signalled = asyncio.run(_send_and_stop(server, plan))
        code = server.exit_code()
        return time.monotonic() - signalled, code, server.output


async def _send_and_stop(server: Server, plan: Plan) -> float:
    sending = asyncio.create_task(Load(server.url).send_all(plan))
    await asyncio.sleep(plan.stop_after)
    server.terminate()
    signalled = time.monotonic()
    await sending
    return signalled
