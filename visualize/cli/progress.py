"""What a command says while it works, to whoever watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CLEAR = "\r\033[K"
PAUSE = 0.2
"""Seconds between two words on how far it is."""


@contextmanager
def step(words: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done for as long as it takes; nothing where nobody watches.

    What it gives is called, as often as one likes, with how far that is.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    said = time.monotonic()

    def say(more: str) -> None:
        nonlocal said
        if time.monotonic() - said >= PAUSE:
            said = time.monotonic()
            print(f"{CLEAR}{words} … {more}", end="", file=sys.stderr, flush=True)

    print(f"{words} …", end="", file=sys.stderr, flush=True)
    try:
        yield say
    finally:
        print(CLEAR, end="", file=sys.stderr, flush=True)
