"""A recording that grows while the app runs."""

from __future__ import annotations

import threading
from pathlib import Path

from fastapi_tasks import Event, Recorder, Timeline, to_json
from fastapi_tasks.files import Output, target_of
from fastapi_tasks.recording import is_recording
from visualize.answers.naming import requests_of

from .errors import CommandError
from .files import guard, unwritable

INTERVAL = 0.5
QUIET = 1_000_000_000
"""Nanoseconds without news after which an ended request is written: a task may come late."""


class Journal:
    """Writes each request into a file once it has ended, however many there are.

    Until `close()` the file is called `….part`, so that whatever ends the process leaves all that
    had ended by then; a device or a pipe gets them as they end. Raises CommandError if the file
    cannot be written, if it is there and holds no recording (unless `force`), or if the part of an
    earlier recording is still there.
    """

    def __init__(self, recorder: Recorder, path: Path, *, force: bool = False) -> None:
        self.count = 0
        self.late = 0
        self._recorder = recorder
        self._path = path
        self._force = force
        self._part = path
        self._open: dict[int, Timeline] = {}
        self._error: OSError | None = None
        self._closing = threading.Event()
        guard(path, "recording", is_recording, force=force)
        try:
            target = target_of(path)
            if target is not None:
                place = target if path.is_symlink() else path
                self._part = place.with_name(f"{place.name}.part")
            self._output = Output(path, unfinished=self._part)
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
        if not self.count:
            self._output.discard()
            return
        if self._error is not None:
            self._output.leave()
            raise unwritable(self._part, self._error)
        try:
            guard(self._path, "recording", is_recording, force=self._force)
            self._finish()
        except CommandError as error:
            self._output.leave()
            raise CommandError(f"{error}; the recording is in {self._part}") from None

    def _finish(self) -> None:
        try:
            self._output.finish()
        except OSError as error:
            raise unwritable(self._path, error) from None

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
        self.count += len(requests_of(timelines))
        try:
            self._output.file.write(to_json(timelines).encode())
            self._output.file.flush()
        except OSError as error:
            # What did not go out is kept, and tried again with the next.
            self._error = error
        else:
            self._error = None
