"""When an endpoint's own code begins and ends.

FastAPI calls an endpoint as `route.dependant.call`, and tells nobody when it returned: the exit
stacks that it keeps are closed only when the answer has been validated and serialised. So the call
is replaced, on the first request of a route that uses `Tasks`, by one that takes the two marks.
This is the one place that knows those names. Where a route has them no more, the endpoint seems to
begin when its dependencies have been asked for, and to end when its response starts.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from .phases import Phases

# None where `Tasks` are replaced in a test. A request whose endpoint has begun already is the one
# that called this app, in the same context.
_awaited: ContextVar[Phases | None] = ContextVar("fastapi_tasks.endpoint", default=None)


def await_endpoint(request: Phases, route: Any) -> None:
    """Take note of when the endpoint begins and ends, which is about to be called here."""
    try:
        call = route.dependant.call
    except AttributeError:
        request.endpoint_begins()
        return
    if not hasattr(call, "is_marked"):
        route.dependant.call = _marked(call)
    _awaited.set(request)


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

    endpoint.is_marked = True  # type: ignore[attr-defined]
    return endpoint


async def _ending(awaitable: Awaitable[Any], request: Phases) -> Any:
    try:
        answer = await awaitable
    except BaseException as error:
        request.endpoint_fails(error)
        raise
    request.endpoint_ends()
    return answer
