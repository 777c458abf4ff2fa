"""SQLAlchemy's statements, and the wait for a connection of its pool, as spans."""

from __future__ import annotations

import sys
from typing import Any

from .here import Here, Open, begin, here, leaf, past
from .hook import SHORTEST_WAIT, Ending, around, once, replace, tried
from .statement import statement_name

WAIT = "waits for a connection"

_OPEN = "_fastapi_tasks_span"


def install() -> None:
    """Record statements and waits from now on, also of engines that exist; nothing without."""
    engine: Any = sys.modules.get("sqlalchemy.engine")
    event: Any = sys.modules.get("sqlalchemy.event")
    if engine is None or event is None or not hasattr(engine, "Engine"):
        return
    if once(engine.Engine, "events"):
        # Not before_cursor_execute: another of its listeners may refuse the statement, and nothing
        # tells the end of that in SQLAlchemy 2.0.
        event.listen(engine.Engine, "do_execute", _before)
        event.listen(engine.Engine, "do_executemany", _before)
        event.listen(engine.Engine, "do_execute_no_params", _before_without_parameters)
        event.listen(engine.Engine, "after_cursor_execute", _after)
        event.listen(engine.Engine, "handle_error", _failed)
        replace(sys.modules["sqlalchemy.pool"].Pool, "connect", lambda own: around(own, _connect))
        dialect: Any = sys.modules["sqlalchemy.engine.default"]
        replace(dialect.DefaultDialect, "do_commit", lambda own: around(own, _commit))


# Statements ----------------------------------------------------------------------------------


def _before(_cursor: Any, statement: str, _parameters: Any, context: Any) -> None:
    if here.get() is not None:
        tried(_begin_statement, statement, context)


def _before_without_parameters(_cursor: Any, statement: str, context: Any) -> None:
    _before(_cursor, statement, None, context)


def _begin_statement(statement: str, context: Any) -> None:
    # What a dialect asks a new connection tells its end to nobody; the wait for it tells the time.
    if not context.root_connection.dispatch.after_cursor_execute:
        return
    dialect = context.dialect
    name = statement_name(statement, dialect.identifier_preparer.initial_quote)
    before: Open | None = getattr(context, _OPEN, None)
    if before is not None and before.span.name == name:
        # Many rows go to the database in batches: one execution all the same.
        before.span.end = None
    else:
        setattr(context, _OPEN, leaf(name, "sql", {"system": dialect.name}))


def _after(
    _connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    opened: Open | None = getattr(context, _OPEN, None)
    if opened is not None:
        tried(opened.end)


def _failed(failure: Any) -> None:
    opened: Open | None = getattr(failure.execution_context, _OPEN, None)
    # What fails later, such as reading the result, is not the statement's.
    if opened is not None and opened.span.end is None:
        tried(opened.end, failure.sqlalchemy_exception or failure.original_exception)


def _commit(dialect: Any, _connection: Any) -> Open | None:
    return leaf("COMMIT", "sql", {"system": dialect.name})


# Connections ---------------------------------------------------------------------------------


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
