"""SQLAlchemy's statements, and the wait for a connection of its pool, as spans."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from types import FrameType
from typing import Any

from .here import Here, Open, begin, here, leaf, past
from .hook import SHORTEST_WAIT, Ending, around, replace
from .statement import statement_name

WAIT = "waits for a connection"

_OPEN = "_fastapi_tasks_span"


def install() -> None:
    """Record statements and waits from now on, also of engines that exist; nothing without.

    Called again, it finds dialects that were loaded meanwhile.
    """
    module: Any = sys.modules.get("sqlalchemy.engine.default")
    pool: Any = sys.modules.get("sqlalchemy.pool")
    if not hasattr(module, "DefaultDialect") or not hasattr(pool, "Pool"):
        return
    # Not SQLAlchemy's events: with a listener each statement takes half as long again, in no
    # request as well, and not every statement tells its end.
    for dialect in _with_subclasses(module.DefaultDialect):
        for name in ("do_execute", "do_executemany", "do_execute_no_params"):
            if name in vars(dialect):
                replace(dialect, name, lambda own: around(own, _statement))
        for name, begin_end in (("do_commit", _commit), ("do_rollback", _rollback)):
            if name in vars(dialect):
                replace(dialect, name, partial(around, begin=begin_end))
    replace(pool.Pool, "connect", lambda own: around(own, _connect))


def _with_subclasses(kind: Any) -> Iterator[Any]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _with_subclasses(subclass)


def _statement(dialect: Any, _cursor: Any, statement: str, *rest: Any, **named: Any) -> Open | None:
    context = named.get("context", rest[-1] if rest else None)
    name = statement_name(statement, dialect.identifier_preparer.initial_quote)
    before: Open | None = getattr(context, _OPEN, None)
    if before is not None and before.span.end is None:
        # A dialect's own method, which has called the one that it overrides.
        return None
    if before is not None and before.span.name == name:
        # Many rows go to the database in batches: one execution all the same.
        before.span.end = None
        return before
    opened = leaf(name, "sql", {"system": dialect.name})
    if context is not None:
        setattr(context, _OPEN, opened)
    return opened


def _commit(dialect: Any, _connection: Any) -> Open | None:
    return leaf("COMMIT", "sql", {"system": dialect.name})


def _rollback(dialect: Any, _connection: Any) -> Open | None:
    # The pool does so too, with connections that are new or come back to it.
    if not _is_called_by("sqlalchemy.engine.base"):
        return None
    return leaf("ROLLBACK", "sql", {"system": dialect.name})


def _is_called_by(module: str) -> bool:
    """Tell whether the first caller outside of the hooks and the dialects is in this module."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name: str = frame.f_globals.get("__name__", "")
        if not name.startswith((__package__, "sqlalchemy.dialects", "sqlalchemy.engine.default")):
            return name == module
        frame = frame.f_back
    return False


def _connect(pool: Any) -> Ending | None:
    place = here.get()
    if place is None:
        return None
    checked_in = getattr(pool, "checkedin", None)
    if checked_in is not None and checked_in() == 0:
        # Whatever is recorded of the making of a new one is inside of the wait for it.
        return begin(WAIT, "pool")
    return _Wait(place)


class _Wait:
    """A wait that is recorded only if it was one."""

    __slots__ = ("_place", "_since")

    def __init__(self, place: Here) -> None:
        self._place = place
        self._since = place.request.keeper.clock()

    def end(self, error: BaseException | None = None) -> None:
        if self._place.request.keeper.clock() - self._since > SHORTEST_WAIT:
            past(self._place, WAIT, "pool", self._since, error)
