"""What is true of every record: which of its fields are moments, values, or records themselves.

A record declares its fields once, and beside each its role. The recording, the columns of the
viewer's page, the live page and whatever else handles all of a record's fields asks here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any

_ROLE = "role"

MOMENT = {_ROLE: "moment"}
"""The metadata of a field that holds a time: nanoseconds of the record's clock, or None."""

PART = {_ROLE: "part"}
"""The metadata of a field that holds a record or None, or a list of records."""


class Record:
    """Equal to one of its kind with the same fields, and shown with all of them.

    Declare a kind with `eq=False` and `repr=False`: the dataclass would write and compile both anew
    for each, which is a tenth of what importing the library costs.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return list(_all(self)) == list(_all(other))

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in _all(self))
        return f"{type(self).__name__}({', '.join(shown)})"


def _all(record: Any) -> Iterator[tuple[str, object]]:
    for one in fields(record):
        yield one.name, getattr(record, one.name)


def _named(role: str | None) -> Callable[[type], tuple[str, ...]]:
    @cache
    def names(kind: type) -> tuple[str, ...]:
        return tuple(one.name for one in fields(kind) if one.metadata.get(_ROLE) == role)

    return names


moments = _named("moment")
"""Name the fields of this kind of record that hold times, in the order of declaration."""

parts = _named("part")
"""Name the fields that hold other records."""

values = _named(None)
"""Name the fields that hold neither times nor records."""


def _defaults(kind: type) -> dict[str, object]:
    return {one.name: one.default for one in fields(kind) if one.name not in parts(kind)}


defaults: Callable[[type], dict[str, object]] = cache(_defaults)
"""Return the default of each field that holds no records; MISSING where it must be given."""


def maker(kind: type, *given: str) -> Callable[..., Any]:
    """Return a function that makes a record of these fields, all others at their defaults.

    It is written from the fields as a dataclass's constructor is, and is for what every request
    makes: a constructor asks of each argument whether it was given, which costs a request 0.02.
    """
    names = {one.name: one.name if one.name in given else _written(one) for one in fields(kind)}
    lines = [f"_record.{name} = {value}" for name, value in names.items()]
    parts = [f"def make({', '.join(given)}):", "_record = _new(_kind)", *lines, "return _record"]
    made: dict[str, Any] = {"_new": object.__new__, "_kind": kind}
    exec("\n ".join(parts), made)
    make: Callable[..., Any] = made["make"]
    return make


def _written(one: Field[Any]) -> str:
    return repr(one.default if one.default_factory is MISSING else one.default_factory())


def told(record: Any) -> dict[str, object]:
    """Return the fields of one record that are not at their default, without the records in it."""
    return {
        name: value
        for name, default in defaults(type(record)).items()
        if (value := getattr(record, name)) != default or default is MISSING
    }


def parts_of(record: Any) -> Iterator[Any]:
    """Yield the records that a record holds itself."""
    for name in parts(type(record)):
        held = getattr(record, name)
        if isinstance(held, list):
            yield from held
        elif held is not None:
            yield held
