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
from typing import Any, Protocol

from starlette.types import Scope

from .callables import display_name
from .request import Request, request_of
from .shortcut import Shortcut

Values = dict[str, Any]
MakeShortcut = Callable[[Callable[[Scope], Any]], Shortcut]
"""Makes the shortcut of a route, given what finds that by the scope of a request."""

MARKS = "marks_of_fastapi_tasks"
CONNECTION = "fastapi_tasks_connection"
NEEDED = ("call", "dependencies", "http_connection_param_name")


class Closing(Protocol):
    """What is to know when FastAPI closes a request's dependencies."""

    def __exit__(self, *_: object) -> None:
        """Take note that they are closed."""


def at_close(scope: Scope, closing: Closing) -> None:
    """Call `closing.__exit__` when FastAPI closes the request's dependencies.

    For HTTP that is after the response, or between a failure and the handler that answers it; for a
    WebSocket when its endpoint is over. Do nothing where FastAPI has no part in the request.
    """
    stack: Any = scope.get("fastapi_inner_astack")
    if stack is not None:
        # Not a bound method, which it would take for a manager first, and raise an error.
        stack.push(closing)


def mark_endpoint(scope: Scope, shortcut: MakeShortcut) -> None:
    """Mark when the endpoint begins and ends that the request of `scope` is about to call."""
    # Not for a connection that lasts: little would be gained there.
    mark_route(route_of(scope), shortcut if scope["type"] == "http" else None)


def mark_route(route: Any, shortcut: MakeShortcut | None = None) -> None:
    """Mark when the endpoint of a route begins and ends; a shortcut also hands it its `Tasks`."""
    dependant: Any = getattr(route, "dependant", None)
    if not all(hasattr(dependant, name) for name in NEEDED):
        return
    call = dependant.call
    marks = getattr(call, MARKS, None)
    if marks is None:
        marks = Marks(dependant, display_name(call))
        marked: Any = _marked_coroutine if inspect.iscoroutinefunction(call) else _marked
        dependant.call = marked(call, marks)
        setattr(dependant.call, MARKS, marks)
    # Not in a thread either.
    if shortcut is not None and marks.shortcut is None and inspect.iscoroutinefunction(call):
        marks.shortcut = shortcut(route_of)


def route_of(scope: Scope) -> Any:
    """Return the route that took this request: with FastAPI, the one as it is included."""
    route = scope.get("route")
    if "fastapi" in scope:
        # A router may be included many times: each time, its routes get dependants of their own.
        included = scope["fastapi"].get("effective_route_context")
        if included is not None and included.original_route is route:
            return included
    return route


class Marks:
    """What the call in an endpoint's place knows of it."""

    def __init__(self, dependant: Any, name: str) -> None:
        self.name = name
        self.shortcut: Shortcut | None = None
        self._take: Callable[..., Any] = dict.get
        self._connection = dependant.http_connection_param_name
        if self._connection in (None, CONNECTION):
            # The endpoint itself does not ask for it; another call stood in its place before.
            self._connection = dependant.http_connection_param_name = CONNECTION
            self._take = dict.pop

    def prepare(self, values: Values) -> Request | None:
        """Complete what the endpoint is called with; return the request whose marks it takes."""
        connection = self._take(values, self._connection, None)
        if connection is None:
            return None
        scope = connection.scope
        request = request_of(scope)
        if self.shortcut is not None:
            self.shortcut.hand_over(values, request, scope)
        # Not where `Tasks` are replaced in a test, or one endpoint calls another.
        if request is None or request.timeline.endpoint_start is not None:
            return None
        return request if request.waiting is not None or request.keeper.watching else None


def _marked_coroutine(call: Callable[..., Any], marks: Marks) -> Callable[..., Any]:
    @functools.wraps(call)
    async def endpoint(**values: Any) -> Any:
        request = marks.prepare(values)
        if request is None:
            return await call(**values)
        request.endpoint_begins(marks.name)
        try:
            answer = await call(**values)
        except BaseException as error:
            request.endpoint_fails(error)
            raise
        request.endpoint_ends()
        return answer

    return endpoint


def _marked(call: Callable[..., Any], marks: Marks) -> Callable[..., Any]:
    @functools.wraps(call)
    def endpoint(**values: Any) -> Any:
        request = marks.prepare(values)
        if request is None:
            return call(**values)
        request.endpoint_begins(marks.name)
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

    return endpoint


async def _ending(awaitable: Awaitable[Any], request: Request) -> Any:
    try:
        answer = await awaitable
    except BaseException as error:
        request.endpoint_fails(error)
        raise
    request.endpoint_ends()
    return answer
