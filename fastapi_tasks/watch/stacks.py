"""What a stack tells of who is at work: the deepest line of the user's code, or the phase."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection
from types import CodeType, FrameType
from typing import NamedTuple

from .. import steps
from ..names import harmless
from .greenlets import outside
from .sources import File, Files, Kind


class Call(NamedTuple):
    """One function on a stack, and the instruction that it is at."""

    code: CodeType
    at: int


Stack = list[Call]
"""The functions that a thread was in, deepest first.

The frames themselves are not kept: what they hold would live as long.
"""


class Sight(NamedTuple):
    """What a stack has shown.

    `line` is a line of the user's code, or the phase of the framework's own work; None if there is
    neither. `root` names the function that the loop has called; None where the loop waits.
    """

    line: str | None
    root: str | None


# Here the framework runs the app's own code: a line outside of these waits for what is inside.
BOUNDARIES = {
    "fastapi.applications",
    "fastapi.routing",
    "starlette.applications",
    "starlette.middleware.errors",
    "starlette.middleware.exceptions",
    "starlette.routing",
}

PHASES = {
    "fastapi.dependencies.utils": "validation",
    "fastapi.encoders": "serialization",
    "fastapi.openapi.utils": "the OpenAPI schema",
    "fastapi.routing.serialize_response": "serialization",
    "starlette.formparsers": "reading the body",
    "starlette.requests": "reading the body",
    "starlette.responses": "sending",
    "starlette.responses.JSONResponse.render": "serialization",
}


def stack_of(thread: int) -> Stack | None:
    """Return the stack of a thread as it is now; None if there is no such thread.

    Of a greenlet, also that of what waits for it.
    """
    frame, outer = sys._current_frames().get(thread), outside(thread)
    calls = []
    # In a hurry: what runs there may go on before all is read.
    while frame is not None or outer is not None:
        if frame is None or frame is outer:
            frame, outer = outer, None
        assert frame is not None
        calls.append(Call(frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return calls or None


def runner_code() -> CodeType | None:
    """Return the code that runs the tasks and the callbacks of this loop; None outside of one."""
    runner = None
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        outside = frame.f_back
        if frame.f_code.co_flags & inspect.CO_COROUTINE:
            runner = outside and outside.f_code
        frame = outside
    return runner


class Stacks:
    """Reads stacks. `runner` is the code outside of which nothing is of interest.

    `own` names the packages that count as the user's where they are installed: lines outside of
    any installation are preferred to theirs.
    """

    def __init__(self, runner: CodeType | None, own: Collection[str]) -> None:
        self._runner = runner
        self._files = Files(own)

    def read(self, calls: Stack) -> Sight:
        """Tell what the thread was at."""
        search = _Search()
        idle = self._files.of(calls[0].code).kind is Kind.LOOP
        for call in calls:
            if call.code is self._runner or call.code.co_filename == steps.__file__:
                idle = False
                break
            search.meet(call, self._files.of(call.code))
        return Sight(search.line, None if idle else search.root)


class _Search:
    """Goes through a stack from its deepest call outwards."""

    def __init__(self) -> None:
        self._user: str | None = None
        self._installed: str | None = None
        self._phase: str | None = None
        self._root: CodeType | None = None
        self._user_root: CodeType | None = None
        self._over = False

    def meet(self, call: Call, file: File) -> None:
        """Go on to the next call outwards."""
        if file.kind is Kind.LOOP:
            return
        self._root = call.code
        if file.kind is Kind.USER or file.kind is Kind.INSTALLED:
            self._user_root = call.code
        if not self._over:
            self._seek(call, file)

    def _seek(self, call: Call, file: File) -> None:
        if file.kind is Kind.USER:
            self._user = _place(call, file)
            self._over = True
        elif file.kind is Kind.INSTALLED:
            self._installed = self._installed or _place(call, file)
        elif file.kind is Kind.FRAMEWORK:
            self._phase = self._phase or _phase(file.module, call.code.co_qualname)
            self._over = file.module in BOUNDARIES
        elif file.kind is Kind.SERVER:
            # A line outside of it waits for a message to be sent.
            self._phase = self._phase or "the server's own work"
            self._over = True

    @property
    def line(self) -> str | None:
        """The deepest line of the user's, else the deepest phase."""
        return self._user or self._installed or self._phase

    @property
    def root(self) -> str | None:
        """The outermost function, of the user's if any is."""
        code = self._user_root or self._root
        return None if code is None else harmless(_name(code))


def _phase(module: str, function: str) -> str | None:
    if module.startswith("starlette.middleware.") and module not in BOUNDARIES:
        return "middleware"
    return PHASES.get(f"{module}.{function}") or PHASES.get(module)


def _place(call: Call, file: File) -> str:
    code = call.code
    found = (line for start, end, line in code.co_lines() if start <= call.at < end)
    # Some instructions belong to no line.
    line = next(found, None) or code.co_firstlineno
    return harmless(f"{file.shown}:{line} in {_name(code)}")


def _name(code: CodeType) -> str:
    names = code.co_qualname.split(".<locals>.")
    # A comprehension or a lambda says less than the function that it stands in.
    while len(names) > 1 and names[-1].startswith("<"):
        names.pop()
    return names[-1]
