"""A recording that grows while the app runs."""

from __future__ import annotations

import threading
from pathlib import Path

from fastapi_tasks import Event, Recorder, Timeline, to_json

from .errors import CommandError
from .files import unwritable

INTERVAL = 0.5
QUIET = 1_000_000_000
"""Nanoseconds without news after which an ended request is written: a task may come late."""


class Journal:
    """Writes each request into a file once it has ended, however many there are.

    Until `close()` the file is called `….part`, so that whatever ends the process leaves all that
    had ended by then. Raises CommandError if the file cannot be written, or if the part of an
    earlier recording is still there.
    """

    def __init__(self, recorder: Recorder, path: Path) -> None:
        self.count = 0
        self.late = 0
        self._recorder = recorder
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._open: dict[int, Timeline] = {}
        self._error: OSError | None = None
        self._closing = threading.Event()
        try:
            self._file = self._part.open("x", encoding="utf-8")
        except FileExistsError:
            raise CommandError(
                f"{self._part} is there: another recording is running, or one was cut short. "
                "Wait for it, or look at the file and move it away"
            ) from None
        except OSError as error:
            raise unwritable(path, error) from None
        self._unsubscribe = recorder.subscribe(self._listen)
        self._thread = threading.Thread(target=self._write_on, name="journal", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what has not ended as it is now, and give the file its name.

        Without a single request there is no file, and one of that name stays as it is.
        """
        self._unsubscribe()
        self._closing.set()
        self._thread.join()
        self._write(list(self._open.values()))
        try:
            self._file.close()
        except OSError as error:
            self._error = error
        if self._error is not None:
            raise unwritable(self._part, self._error)
        if self.count:
            self._part.replace(self._path)
        else:
            self._part.unlink()

    def _listen(self, event: Event) -> None:
        number = event.timeline.id
        if event.kind == "request_start":
            self._open[number] = event.timeline
        elif event.kind == "requested" and number not in self._open:
            self.late += 1

    def _write_on(self) -> None:
        while not self._closing.wait(INTERVAL):
            before = self._recorder.clock() - QUIET
            ended = [one for one in list(self._open.values()) if one.settled and one.last < before]
            for timeline in ended:
                del self._open[timeline.id]
            self._write(ended)

    def _write(self, timelines: list[Timeline]) -> None:
        try:
            self._file.write(to_json(timelines))
            self._file.flush()
        except OSError as error:
            self._error = error
        else:
            self.count += len(timelines)
