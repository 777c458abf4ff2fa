"""When an endpoint's own code begins and ends: the room that knows FastAPI's inside.

FastAPI calls an endpoint as its route's `dependant.call`, and tells nobody when it returned: the
exit stacks that it keeps are closed only when the answer has been validated and serialised. So, as
other integrations do, the call is replaced by one that takes the two marks. It asks FastAPI for
the connection, as an endpoint may, and finds the request by that.

All this begins with a route's first request for `Tasks`. Should FastAPI keep such things elsewhere
one day, an endpoint's marks and error stay None and all else goes on.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from starlette.types import Scope

from .phases import Phases
from .request import request_of
from .shortcut import HandOver, Shortcut

Values = dict[str, Any]
# Takes what the endpoint is called with; returns the request whose marks the call takes, or None.
Prepare = Callable[[Values], Phases | None]

CONNECTION = "fastapi_tasks_connection"
NEEDED = ("call", "dependencies", "http_connection_param_name")


def at_close(scope: Scope, callback: Callable[..., None]) -> None:
    """Call `callback` as an `__exit__` when FastAPI closes the request's dependencies.

    For HTTP that is after the response, or between a failure and the handler that answers it; for a
    WebSocket when its endpoint is over. Do nothing where FastAPI has no part in the request.
    """
    stack: AsyncExitStack | None = scope.get("fastapi_inner_astack")
    if stack is not None:
        stack.push(callback)


def mark_endpoint(scope: Scope, shortcut: Shortcut) -> None:
    """Mark when the endpoint begins and ends that the request of `scope` is about to call."""
    route = _route(scope)
    dependant: Any = getattr(route, "dependant", None)
    if not all(hasattr(dependant, name) for name in NEEDED):
        return
    call = dependant.call
    if hasattr(call, "marked_by_fastapi_tasks"):
        return
    # Not in a thread or for a connection that lasts: little would be gained there.
    is_coroutine = inspect.iscoroutinefunction(call)
    begin = shortcut.begin(route, dependant) if is_coroutine and scope["type"] == "http" else None
    mark = _marked_coroutine if is_coroutine else _marked
    marked: Any = mark(call, _preparing(dependant, begin))
    marked.marked_by_fastapi_tasks = True
    dependant.call = marked


def _route(scope: Scope) -> Any:
    route = scope.get("route")
    if "fastapi" in scope:
        # A router may be included many times: each time, its routes get dependants of their own.
        included = scope["fastapi"].get("effective_route_context")
        if included is not None and included.original_route is route:
            return included
    return route


def _preparing(dependant: Any, begin: Callable[[], HandOver | None] | None) -> Prepare:
    take: Callable[..., Any] = dict.get
    name = dependant.http_connection_param_name
    if name is None:
        # The endpoint itself does not ask for it.
        name = dependant.http_connection_param_name = CONNECTION
        take = dict.pop
    hand_over: HandOver | None = None

    def prepare(values: Values) -> Phases | None:
        nonlocal begin, hand_over
        connection = take(values, name, None)
        if connection is None:
            return None
        if begin is not None:
            # Not sooner: now it is certain that FastAPI gives the connection.
            hand_over = begin()
            begin = None
        if hand_over is not None:
            hand_over(values, connection.scope)
        request = request_of(connection.scope)
        # Not where `Tasks` are replaced in a test, or one endpoint calls another.
        if request is None or request.timeline.endpoint_start is not None:
            return None
        phases: Phases | None = request.waiting
        return phases

    return prepare


def _marked_coroutine(call: Callable[..., Any], prepare: Prepare) -> Callable[..., Any]:
    @functools.wraps(call)
    async def endpoint(**values: Any) -> Any:
        phases = prepare(values)
        if phases is None:
            return await call(**values)
        phases.endpoint_begins()
        try:
            answer = await call(**values)
        except BaseException as error:
            phases.endpoint_fails(error)
            raise
        phases.endpoint_ends()
        return answer

    return endpoint


def _marked(call: Callable[..., Any], prepare: Prepare) -> Callable[..., Any]:
    @functools.wraps(call)
    def endpoint(**values: Any) -> Any:
        phases = prepare(values)
        if phases is None:
            return call(**values)
        phases.endpoint_begins()
        try:
            answer = call(**values)
        except BaseException as error:
            phases.endpoint_fails(error)
            raise
        if inspect.isawaitable(answer):
            return _ending(answer, phases)
        # A generator too: its body belongs to the response.
        phases.endpoint_ends()
        return answer

    return endpoint


async def _ending(awaitable: Awaitable[Any], phases: Phases) -> Any:
    try:
        answer = await awaitable
    except BaseException as error:
        phases.endpoint_fails(error)
        raise
    phases.endpoint_ends()
    return answer
