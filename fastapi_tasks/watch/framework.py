"""What FastAPI does by itself for a request: validation and serialisation.

Neither place is documented. Where FastAPI keeps them no longer, those spans are absent.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import fastapi.routing

from ..timeline import new_span
from .here import Here, here, past
from .hook import failed, tried

_MARK = "watched_by_fastapi_tasks"


def install() -> None:
    """Record validation and serialisation in watched requests, from now on."""
    for name, watch in (("solve_dependencies", _solving), ("serialize_response", _serializing)):
        call = getattr(fastapi.routing, name, None)
        if call is not None and not hasattr(call, _MARK):
            watched = functools.wraps(call)(watch(call))
            setattr(watched, _MARK, True)
            setattr(fastapi.routing, name, watched)


def _solving(solve: Callable[..., Any]) -> Callable[..., Any]:
    async def watched(**options: Any) -> Any:
        around = here.get()
        if around is None:
            return await solve(**options)
        request = around.request
        begun, first = request.keeper.clock(), len(request.timeline.spans)
        solved = await solve(**options)
        try:
            # What was wrong may be a parameter of a dependency, where the endpoint has none.
            if solved.errors or _has_parameters(options["dependant"]):
                _solved(around, begun, first, solved)
        except Exception:
            failed(_solved)
        return solved

    return watched


def _has_parameters(dependant: Any) -> bool:
    return bool(
        dependant.query_params
        or dependant.path_params
        or dependant.body_params
        or dependant.header_params
        or dependant.cookie_params
    )


def _solved(around: Here, begun: int, first: int, solved: Any) -> None:
    keeper, timeline = around.request.keeper, around.request.timeline
    # Parameters are read when all dependencies are there. Where spans were let go meanwhile, those
    # that are new stand further in front.
    if timeline.spans_dropped:
        first = 0
    for one in timeline.spans[first:]:
        if one.kind == "dependency" and one.end is not None and one.end > begun:
            begun = one.end
    ended = keeper.clock()
    span = new_span("parameters", "validation", begun, ended, around.task, around.parent)
    if solved.errors:
        span.error = "RequestValidationError"
    keeper.add_span(timeline, span)


def _serializing(serialize: Callable[..., Any]) -> Callable[..., Any]:
    async def watched(**options: Any) -> Any:
        place = here.get()
        if place is None:
            return await serialize(**options)
        begun = place.request.keeper.clock()
        try:
            answer = await serialize(**options)
        except BaseException as error:
            tried(past, place, "response", "serialization", begun, error)
            raise
        try:
            past(place, "response", "serialization", begun)
        except Exception:
            failed(past)
        return answer

    return watched
