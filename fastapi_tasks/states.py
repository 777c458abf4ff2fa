"""The states of a job, and from which to which it goes; tests hold it to this table.

HELD      its phase has not passed                         → RELEASED, ENDED
RELEASED  handed to the event loop, which has not come     → QUEUED, RUNNING, ENDED
QUEUED    a `def` function waits for a thread              → RUNNING, ENDED
RUNNING   the function's first line has run                → STOPPING, ENDED
STOPPING  it was cancelled, and has yet to say so          → ENDED
ENDED     it has its outcome; nothing of it runs any more, but for a thread that was let go
"""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """How far a job is."""

    HELD = "held"
    RELEASED = "released"
    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


HELD, RELEASED, QUEUED = State.HELD, State.RELEASED, State.QUEUED
RUNNING, STOPPING, ENDED = State.RUNNING, State.STOPPING, State.ENDED

TRANSITIONS: dict[State, set[State]] = {
    HELD: {RELEASED, ENDED},
    RELEASED: {QUEUED, RUNNING, ENDED},
    QUEUED: {RUNNING, ENDED},
    RUNNING: {STOPPING, ENDED},
    STOPPING: {ENDED},
    ENDED: set(),
}
