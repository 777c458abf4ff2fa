"""What Python cannot do in a browser, said in one plain line instead of a traceback."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from .errors import LabError
from .log import SERVER, TASKS

IN_BROWSER = sys.platform == "emscripten"
"""Whether labs call their apps in-process unless they are told otherwise."""

REFUSED: tuple[tuple[Any, str, str], ...] = (
    (threading.Thread, "start", "a thread"),
    (asyncio, "to_thread", "a thread"),
    (subprocess.Popen, "__init__", "another process"),
    (asyncio, "create_subprocess_exec", "another process"),
    (asyncio, "create_subprocess_shell", "another process"),
    (socket.socket, "bind", "a socket"),
    (socket.socket, "connect", "a socket"),
)
"""What would fail there with somebody else's words, or, worse, do something else."""

DISPENSABLE = "fastapi_tasks line"
"""The thread that tells which line holds the loop. The library goes on without it, and says so."""

_met: list[NotInBrowserError] = []


class NotInBrowserError(LabError):
    """Raised for what a browser cannot do. A notebook shows its line, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def adapt() -> None:
    """Have this Python, in a browser, do as others do where it can, and say what it cannot do.

    There `time.sleep` would let others run meanwhile, and a task factory is not told a task's name
    and context, or fails. What is refused is raised where a notebook waits for it, and so is not
    logged as well. Call it where the loop runs.
    """
    loop: Any = asyncio.get_running_loop()
    if not isinstance(loop.create_task, partial):
        loop.create_task = partial(_create_task, loop, loop.create_task)
    time.sleep = getattr(time.sleep, "__wrapped__", time.sleep)
    for owner, name, what in REFUSED:
        setattr(owner, name, _refusing(what))
    for logger in (TASKS, SERVER):
        logging.getLogger(logger).addFilter(_is_news)


def ordered(clock: Callable[[], int]) -> Callable[[], int]:
    """Return a clock that never reads twice alike, by nanoseconds that it adds.

    A browser's steps by 0.1 ms: what comes after something else in one step would seem to come with
    it.
    """
    last = 0

    def now() -> int:
        nonlocal last
        last = max(clock(), last + 1)
        return last

    return now


def raise_refused() -> None:
    """Raise what an app or a task was refused, if it was, and forget it."""
    if _met:
        first = _met[0]
        _met.clear()
        raise first


def _create_task(loop: Any, plainly: Any, coroutine: Any, **options: Any) -> Any:
    factory = loop.get_task_factory()
    return plainly(coroutine, **options) if factory is None else factory(loop, coroutine, **options)


def _is_news(record: logging.LogRecord) -> bool:
    arguments = record.args if isinstance(record.args, tuple) else ()
    errors = [*arguments, record.exc_info[1] if record.exc_info else None]
    return not any(isinstance(error, BaseException) and _in_chain(error) for error in errors)


def _in_chain(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, NotInBrowserError):
        error = error.__cause__ or error.__context__
    return error is not None


def _refusing(what: str) -> Callable[..., NoReturn]:
    def refuse(*given: Any, **_: Any) -> NoReturn:
        error = NotInBrowserError(
            f"this needs {what}, which Python does not have in a browser: run the notebook on your "
            "own machine, with `make lab`"
        )
        if getattr(next(iter(given), None), "name", "") != DISPENSABLE:
            _met.append(error)
        raise error

    return refuse


if IN_BROWSER:
    # With the import, before an app has its recorder: stamps and recording have one clock.
    time.perf_counter_ns = ordered(time.perf_counter_ns)
