"""What is true of every record, and how one is made at a lower price."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from fastapi_tasks.facts import maker
from fastapi_tasks.timeline import Busy, ClientView, Span, TaskRecord, Timeline

RECORDS: dict[type, dict[str, Any]] = {
    Timeline: {
        "id": 7,
        "kind": "http",
        "method": "GET",
        "path": "/",
        "wall": 5,
        "request_start": 3,
    },
    TaskRecord: {"name": "mail", "mode": "immediate", "requested": 3},
    Span: {"name": "select", "kind": "sql", "start": 3},
    Busy: {"start": 3, "end": 4, "culprit": "mail"},
    ClientView: {"sent": 3},
}


@pytest.mark.parametrize(
    ("kind", "given"), RECORDS.items(), ids=lambda one: getattr(one, "__name__", "")
)
class TestARecordThatIsMadeAtALowerPrice:
    def test_is_the_one_that_its_constructor_makes(self, kind: type, given: dict[str, Any]) -> None:
        made = maker(kind, *given)(*given.values())
        assert type(made) is kind
        assert made == kind(**given)

    def test_shares_nothing_with_the_next(self, kind: type, given: dict[str, Any]) -> None:
        make = maker(kind, *given)
        one, other = make(*given.values()), make(*given.values())
        for each in fields(kind):
            value = getattr(one, each.name)
            assert not isinstance(value, (list, dict)) or value is not getattr(other, each.name)
