"""When an endpoint's own code begins and ends.

FastAPI calls an endpoint as its route's `dependant.call`, and tells nobody when it returned: the
exit stacks that it keeps are closed only when the answer has been validated and serialised. So, as
other integrations do, the call is replaced by one that takes the two marks, on the first request
of a route that uses `Tasks`. This is the one place that knows where FastAPI keeps it. Should it be
kept elsewhere one day, the endpoint's marks stay None and all else goes on.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from starlette.types import Scope

from .phases import Phases

# None where `Tasks` are replaced in a test. A request whose endpoint has begun already is the one
# that called this app, in the same context.
_awaited: ContextVar[Phases | None] = ContextVar("fastapi_tasks.endpoint", default=None)


def await_endpoint(request: Phases, scope: Scope) -> None:
    """Take note of when the endpoint begins and ends, which is about to be called here."""
    dependant = _dependant(scope)
    if dependant is not None:
        if not hasattr(dependant.call, "marked_by_fastapi_tasks"):
            dependant.call = _marked(dependant.call)
        _awaited.set(request)


def _dependant(scope: Scope) -> Any:
    route = scope.get("route")
    if "fastapi" in scope:
        # A router may be included many times: each time, its routes get dependants of their own.
        included = scope["fastapi"].get("effective_route_context")
        if included is not None and included.original_route is route:
            return included.dependant
    return getattr(route, "dependant", None)


def _marked(call: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(call):

        @functools.wraps(call)
        async def endpoint(**values: Any) -> Any:
            request = _awaited.get()
            if request is None or request.endpoint_start is not None:
                return await call(**values)
            # The two marks are written out, since most requests come through here.
            clock = request.runtime.clock
            request.endpoint_start = clock()
            if request.shown is not None:
                request.tell("endpoint_start")
            try:
                answer = await call(**values)
            except BaseException as error:
                request.endpoint_fails(error)
                raise
            request.endpoint_end = clock()
            if request.shown is not None:
                request.tell("endpoint_end")
            return answer

    else:

        @functools.wraps(call)
        def endpoint(**values: Any) -> Any:
            request = _awaited.get()
            if request is None or request.endpoint_start is not None:
                return call(**values)
            request.endpoint_begins()
            try:
                answer = call(**values)
            except BaseException as error:
                request.endpoint_fails(error)
                raise
            if inspect.isawaitable(answer):
                return _ending(answer, request)
            # A generator too: its body belongs to the response.
            request.endpoint_ends()
            return answer

    endpoint.marked_by_fastapi_tasks = True  # type: ignore[attr-defined]
    return endpoint


async def _ending(awaitable: Awaitable[Any], request: Phases) -> Any:
    try:
        answer = await awaitable
    except BaseException as error:
        request.endpoint_fails(error)
        raise
    request.endpoint_ends()
    return answer
