"""A contender on a real uvicorn: `python serve.py CONTENDER`; prints its port, ends with stdin."""

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any

import uvicorn
from contenders import Case, make_app
from fastapi import BackgroundTasks, Depends, FastAPI

from fastapi_tasks import Tasks

TASKS = 3
HELD = 1000
SLOW_SECONDS = 0.25

Schedule = Callable[[Any, Callable[[], Any]], Any]


async def no_op() -> None: ...


async def hold() -> None:
    """Stay in flight for as long as the process lives."""
    await asyncio.Event().wait()


def slow() -> None:
    time.sleep(SLOW_SECONDS)


bare: set[asyncio.Task[None]] = set()


def _bare(tasks: None, job: Callable[[], Any]) -> None:
    if job is hold:
        bare.add(asyncio.create_task(hold()))


def given(contender: str) -> tuple[Any, Schedule]:
    """Return what the contender's endpoints ask for, and how a task is scheduled with it."""
    if contender == "plain":
        return Annotated[None, Depends(lambda: None)], _bare
    if contender == "BackgroundTasks":
        return BackgroundTasks, BackgroundTasks.add_task
    return Tasks, lambda tasks, job: tasks.after_response.schedule(job)


def add_endpoints(app: FastAPI, contender: str) -> None:
    """Add what fills the app with tasks, and what its other users ask for meanwhile."""
    held, schedule = given(contender)

    @app.get("/hold")
    async def hold_many(tasks: held) -> None:
        for _ in range(HELD):
            schedule(tasks, hold)

    @app.get("/slow")
    async def slow_one(tasks: held) -> None:
        schedule(tasks, slow)

    @app.get("/def")
    def in_a_thread() -> None: ...


def end_with_stdin() -> None:
    """Leave nothing running when the benchmark is gone."""
    sys.stdin.read()
    os._exit(0)


def serve(app: Any) -> None:
    """Serve an app on a free port, and print that port first."""
    # asyncio sends small answers at once (TCP_NODELAY) only where a socket names its protocol.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        threading.Thread(target=end_with_stdin, daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(app, log_level="warning", access_log=False, loop="asyncio")
        uvicorn.Server(config).run(sockets=[listener])


def main(contender: str) -> None:
    """Serve one contender until stdin closes."""
    app = make_app(Case(contender, TASKS, "after_response"), no_op)
    add_endpoints(app, contender)
    serve(app)


if __name__ == "__main__":
    main(sys.argv[1])
