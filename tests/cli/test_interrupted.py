"""Ctrl-C, once and twice, and while something must not be cut short."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx

from fastapi_tasks import load
from visualize.cli.signals import uninterrupted

from ..processes import line_with, running
from .shop import APP, write_app

ENDLESS = """
async def wait() -> None:
    print("waiting", flush=True)
    await asyncio.sleep(3600)

app = FastAPI()
add_tasks(app)

@app.get("/endless")
async def endless(tasks: Tasks) -> None:
    tasks.task(shield=True).schedule(wait)
"""


def test_a_second_ctrl_c_waits_no_longer(here: Path) -> None:
    (here / "shop.py").write_text(APP.format(extra="", options="") + ENDLESS)
    with running("record", "shop:app", "--port", "0", cwd=here) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        httpx.get(f"{url}/endless", trust_env=False)
        line_with("waiting", process.stdout)
        process.send_signal(signal.SIGINT)
        line_with("Requests or tasks are still running; Ctrl-C again ends them.", process.stderr)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in err
    last = out.splitlines()[-1]
    assert last == "1 request is in run.jsonl; python -m visualize show run.jsonl shows them."
    assert [task.outcome for task in load("run.jsonl")[0].tasks] == ["abandoned"]


def test_ctrl_c_is_put_off_while_a_file_is_written() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            assert came == []
        assert came == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_the_app_is_imported_ends_it(here: Path) -> None:
    write_app(here, extra="print('importing', flush=True); __import__('time').sleep(60)")
    with running("record", "shop:app", "--port", "0", cwd=here) as process:
        line_with("importing", process.stdout)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "interrupted\n")
