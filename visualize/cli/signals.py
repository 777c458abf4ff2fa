"""What ends a command. Ctrl-C: one line, and the exit code that shells expect of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 128 + signal.SIGINT


def ending() -> tuple[signal.Signals, ...]:
    """Return the signals that ask a server to end: Ctrl-C, SIGTERM, and a terminal that closes.

    The last not where it is ignored, as under nohup, and not on Windows, which has none.
    """
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) is signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, hangup


def quit_on_interrupt() -> None:
    """End the process at Ctrl-C, wherever it stands.

    Python's own way, an exception, is printed and lost when it comes up inside a callback, as it
    does while modules are imported. Nothing needs cleaning up: servers live in threads of this
    process, and files are written under `uninterrupted`.
    """
    signal.signal(signal.SIGINT, _quit)


def _quit(*_: object) -> None:
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off until the end of a short block."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)
