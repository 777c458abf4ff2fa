"""What a command says while it works, to whoever watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

CLEAR = "\r\033[K"


@contextmanager
def step(words: str) -> Iterator[None]:
    """Show what is being done for as long as it takes; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield
        return
    print(f"{words} …", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(CLEAR, end="", file=sys.stderr, flush=True)
