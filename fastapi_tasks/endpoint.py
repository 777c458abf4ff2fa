"""When an endpoint's own code begins and ends, and how it gets its schedulers.

FastAPI calls an endpoint as its route's `dependant.call`, and tells nobody when it returned: the
exit stacks that it keeps are closed only when the answer has been validated and serialised. So, as
other integrations do, the call is replaced by one that takes the two marks. It asks FastAPI for
the connection, as an endpoint may, and finds the request by that.

FastAPI resolves what an endpoint depends on anew for each request, at many times the price of
`Tasks` themselves. So that call hands them to the endpoint as well, and FastAPI need not resolve
them, but where the app overrides dependencies.

All this begins with a route's first request for `Tasks`, and this is the one place that knows where
FastAPI keeps such things. Should they be kept elsewhere one day, an endpoint's marks and error stay
None and all else goes on.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from operator import is_not
from typing import Any

from starlette.types import Scope

from .phases import Phases
from .request import SCOPE_KEY

Values = dict[str, Any]
# Takes what the endpoint is called with; returns the request whose marks the call takes, or None.
Prepare = Callable[[Values], Phases | None]

CONNECTION = "fastapi_tasks_connection"
NEEDED = ("call", "dependencies", "http_connection_param_name")


def watch_endpoint(
    scope: Scope, get_tasks: Callable[..., Any], tasks_of: Callable[[Scope], Any]
) -> None:
    """Mark when the endpoint begins and ends that the request of `scope` is about to call.

    `tasks_of` can stand in for the dependency `get_tasks`.
    """
    route = _route(scope)
    dependant: Any = getattr(route, "dependant", None)
    if not all(hasattr(dependant, name) for name in NEEDED):
        return
    call = dependant.call
    if hasattr(call, "marked_by_fastapi_tasks"):
        return
    mark, hide = _marked, None
    if inspect.iscoroutinefunction(call):
        mark = _marked_coroutine
        # Not in a thread or for a connection that lasts: little would be gained there.
        if scope["type"] == "http":
            provider = getattr(route, "dependency_overrides_provider", None)
            hide = functools.partial(_hide, dependant, get_tasks, provider)
    dependant.call = mark(call, _preparing(dependant, hide, tasks_of))
    dependant.call.marked_by_fastapi_tasks = True


def _route(scope: Scope) -> Any:
    route = scope.get("route")
    if "fastapi" in scope:
        # A router may be included many times: each time, its routes get dependants of their own.
        included = scope["fastapi"].get("effective_route_context")
        if included is not None and included.original_route is route:
            return included
    return route


class _Hiding(list[Any]):
    """What a route depends on; without `Tasks`, unless the app overrides dependencies."""

    def __init__(self, dependencies: list[Any], tasks: Any, provider: Any) -> None:
        super().__init__(dependencies)
        self._is_shown = functools.partial(is_not, tasks)
        self._provider = provider

    def __iter__(self) -> Iterator[Any]:
        if self._provider is not None and self._provider.dependency_overrides:
            return super().__iter__()
        return filter(self._is_shown, super().__iter__())


def _hide(dependant: Any, get_tasks: Callable[..., Any], provider: Any) -> str | None:
    """Keep FastAPI from resolving the endpoint's `Tasks`; return its name for them.

    Where others ask for them too, FastAPI goes on: it gives the same to all.
    """
    asking = [one for one in dependant.dependencies if _asks(one, get_tasks)]
    if len(asking) != 1 or asking[0].call is not get_tasks or asking[0].name is None:
        return None
    dependant.dependencies = _Hiding(dependant.dependencies, asking[0], provider)
    name: str = asking[0].name
    return name


def _asks(dependant: Any, get_tasks: Callable[..., Any]) -> bool:
    return dependant.call is get_tasks or any(
        _asks(one, get_tasks) for one in dependant.dependencies
    )


def _preparing(
    dependant: Any, hide: Callable[[], str | None] | None, tasks_of: Callable[[Scope], Any]
) -> Prepare:
    take: Callable[..., Any] = dict.get
    name = dependant.http_connection_param_name
    if name is None:
        # The endpoint itself does not ask for it.
        name = dependant.http_connection_param_name = CONNECTION
        take = dict.pop
    tasks: str | None = None

    def prepare(values: Values) -> Phases | None:
        nonlocal hide, tasks
        connection = take(values, name, None)
        if connection is None:
            return None
        if hide is not None:
            # Not sooner: now it is certain that FastAPI gives the connection.
            tasks = hide()
            hide = None
        scope = connection.scope
        if tasks is not None and tasks not in values:
            values[tasks] = tasks_of(scope)
        request: Phases | None = scope.get(SCOPE_KEY)
        # Not where `Tasks` are replaced in a test, or one endpoint calls another.
        if request is None or request.passed is None or request.endpoint_start is not None:
            return None
        return request

    return prepare


def _marked_coroutine(call: Callable[..., Any], prepare: Prepare) -> Callable[..., Any]:
    @functools.wraps(call)
    async def endpoint(**values: Any) -> Any:
        request = prepare(values)
        if request is None:
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

    return endpoint


def _marked(call: Callable[..., Any], prepare: Prepare) -> Callable[..., Any]:
    @functools.wraps(call)
    def endpoint(**values: Any) -> Any:
        request = prepare(values)
        if request is None:
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

    return endpoint


async def _ending(awaitable: Awaitable[Any], request: Phases) -> Any:
    try:
        answer = await awaitable
    except BaseException as error:
        request.endpoint_fails(error)
        raise
    request.endpoint_ends()
    return answer
