"""Hand `Tasks` to an endpoint beside FastAPI's resolution of dependencies.

FastAPI resolves what an endpoint depends on anew for each request, at many times the price of
`Tasks` themselves: 0.2 of a plain request. So the call that marks an endpoint hands them to it, and
FastAPI need not resolve them, but where the app overrides dependencies or somebody has put another
call in that one's place. To do without, drop what `endpoint` does with a `Shortcut`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from starlette.types import Scope

from .request import Request

TasksOf = Callable[[Request | None, Scope], Any]
RouteOf = Callable[[Scope], Any]


class Shortcut:
    """Hands the endpoint of one route its `Tasks`, in place of the dependency `get_tasks`."""

    def __init__(self, get_tasks: Callable[..., Any], tasks_of: TasksOf, route_of: RouteOf) -> None:
        self._get_tasks = get_tasks
        self._tasks_of = tasks_of
        # Not the route, which holds the app: FastAPI keeps the calls of endpoints, thousands of
        # them, and so would keep as many apps.
        self._route_of = route_of
        self._began = False
        self._name: str | None = None

    def hand_over(self, values: dict[str, Any], request: Request | None, scope: Scope) -> None:
        """Add the `Tasks` to what the endpoint is called with, unless FastAPI has resolved them."""
        if not self._began:
            # Not sooner: only now it is certain that FastAPI gives the call what it asks for.
            self._began = True
            self._name = self._hide(self._route_of(scope))
        if self._name is not None and self._name not in values:
            values[self._name] = self._tasks_of(request, scope)

    def _hide(self, route: Any) -> str | None:
        """Keep FastAPI from resolving the endpoint's `Tasks`; return its name for them.

        Where others ask for them too, FastAPI goes on: it gives the same to all.
        """
        dependant = route.dependant
        asking = [one for one in dependant.dependencies if self._asks(one)]
        if len(asking) != 1 or asking[0].call is not self._get_tasks or asking[0].name is None:
            return None
        provider = getattr(route, "dependency_overrides_provider", None)
        dependant.dependencies = _Hiding(dependant, asking[0], provider)
        name: str = asking[0].name
        return name

    def _asks(self, dependant: Any) -> bool:
        return dependant.call is self._get_tasks or any(
            self._asks(one) for one in dependant.dependencies
        )


class _Hiding(list[Any]):
    """What a route depends on; without `Tasks` where the marked call hands them over."""

    def __init__(self, dependant: Any, tasks: Any, provider: Any) -> None:
        super().__init__(dependant.dependencies)
        self._dependant = dependant
        self._call = dependant.call
        self._others = [one for one in dependant.dependencies if one is not tasks]
        self._length = len(self)
        self._provider = provider

    def __iter__(self) -> Iterator[Any]:
        provider, dependant = self._provider, self._dependant
        overridden = provider is not None and provider.dependency_overrides
        if overridden or dependant.call is not self._call or len(self) != self._length:
            # By its length: somebody has added a dependency, or taken one away.
            return super().__iter__()
        return iter(self._others)

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        """Copy as a plain list: the copy of a route has a call of its own."""
        return list, (list(super().__iter__()),)
