"""The ledger: one line for each thing that happened, written by who did it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One line: when (nanoseconds of the recorder's clock), what, and whose it is.

    `name` is that of the task, or the path of the request; `token` is the argument that a task
    was given; `database` tells whether the app's database was open.
    """

    at: int
    what: str
    name: str
    database: bool
    token: int = 0


class Ledger:
    """Appends entries to a file, from any thread, each in one piece and at once."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.database = False

    def note(self, what: str, name: str, token: int = 0) -> None:
        """Write down what happens at this moment."""
        entry = Entry(time.perf_counter_ns(), what, name, self.database, token)
        os.write(self._file, f"{json.dumps(asdict(entry))}\n".encode())


def read(path: Path) -> list[Entry]:
    """Return the entries of a ledger, in the order in which they were written."""
    return [Entry(**json.loads(line)) for line in path.read_text().splitlines()]
