"""What is freed by itself, and what would stay for the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def uncollected(*kinds: type) -> Iterator[Callable[[], list[Any]]]:
    """Do without the garbage collector; give what lists the objects that have come and stayed.

    Those from before do not count: an abandoned task, of a test before this one, is kept for good.
    """
    gc.collect()
    gc.disable()
    # Held, so that no new object gets the id of one of these.
    before = [one for one in gc.get_objects() if type(one) in kinds]
    known = {id(one) for one in before}

    def stayed() -> list[Any]:
        return [one for one in gc.get_objects() if type(one) in kinds and id(one) not in known]

    try:
        yield stayed
    finally:
        gc.enable()
