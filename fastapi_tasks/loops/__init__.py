"""The event loops that tasks run on, behind one face.

Tasks are not children of an AnyIO task group: one child's exception would end all the others, and
its bookkeeping costs more than the rest of a task together.
"""

from __future__ import annotations

import sys

from .face import Handle, Loop

__all__ = ["Handle", "Loop", "current_loop"]


def current_loop() -> Loop:
    """Return the event loop that runs here."""
    # Whoever runs a loop has loaded its library; who only imports an app need not.
    # Half of it, where another thread is about to import it at this moment.
    lowlevel = getattr(sys.modules.get("trio"), "lowlevel", None)
    if lowlevel is not None and lowlevel.in_trio_run():
        from .on_trio import TrioLoop

        return TrioLoop()
    from .on_asyncio import AsyncioLoop

    return AsyncioLoop()
