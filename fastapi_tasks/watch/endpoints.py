"""Endpoints of Starlette alone, which FastAPI has no part in."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

from starlette.endpoints import HTTPEndpoint
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..callables import display_name
from ..request import Request, request_of


def watch_endpoint(route: Any) -> None:
    """Mark when the endpoint of a route begins and ends, if it is one of Starlette's own."""
    route = getattr(route, "original_route", route)
    if isinstance(route, (Route, WebSocketRoute)) and not isinstance(route.app, Endpoint):
        route.app = Endpoint(route.app, route.endpoint)


class Endpoint:
    """Stands for the app that a route has made of its endpoint."""

    def __init__(self, app: ASGIApp, endpoint: Any) -> None:
        self.app = app
        self._name = display_name(endpoint)
        # A function returns its response, and only then it is sent. An app sends by itself.
        while isinstance(endpoint, partial):
            endpoint = endpoint.func
        made_by_class = inspect.isclass(endpoint) and issubclass(endpoint, HTTPEndpoint)
        self._returns = made_by_class or inspect.isfunction(endpoint) or inspect.ismethod(endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope)
        # Not where an endpoint calls another app.
        if request is None or request.timeline.endpoint_start is not None:
            await self.app(scope, receive, send)
            return
        request.endpoint_begins(self._name)
        try:
            await self.app(scope, receive, _ending(send, request) if self._returns else send)
        except BaseException as error:
            if request.timeline.endpoint_end is None:
                request.endpoint_fails(error)
            raise
        if request.timeline.endpoint_end is None:
            request.endpoint_ends()


def _ending(send: Send, request: Request) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and request.timeline.endpoint_end is None:
            request.endpoint_ends()
        await send(message)

    return sending
