"""A request as the layers see it: what goes through between the server and the app."""

from __future__ import annotations

from typing import ClassVar, Literal

from starlette.types import Message, Receive, Scope, Send

from .phases import AFTER_RESPONSE, Phases

SCOPE_KEY = "fastapi_tasks"


class Request(Phases):
    """One HTTP request."""

    __slots__ = ()

    kind: ClassVar[Literal["http", "websocket"]] = "http"

    async def send(self, message: Message) -> None:
        """Pass a message on to the server, and mark the response's start and its end."""
        if message["type"] == "http.response.start":
            if self.passed is not None:
                self.route_passes()
            self.status = message["status"]
            self.trailers = "trailers" in message and message["trailers"]
            self.response_start = self.recorder.clock()
            if self.shown is not None:
                self.tell("response_start")
            await self.server_send(message)
            return
        await self.server_send(message)
        if message["type"] == "http.response.body":
            last = not (self.trailers or message.get("more_body"))
        else:
            last = self._was_last(message)
        if last and self.response_sent is None:
            self.response_sent = self.recorder.clock()
            if self.shown is not None:
                self.tell("response_sent")
            if self.passed is not None:
                self.response_passes()

    def _was_last(self, message: Message) -> bool:
        # The ASGI specification's "HTTP & WebSocket" page and its extensions: trailers, pathsend.
        kind = message["type"]
        if kind == "http.response.zerocopysend":
            return not (self.trailers or message.get("more_body", False))
        if kind == "http.response.trailers":
            return not message.get("more_trailers", False)
        return kind == "http.response.pathsend" and not self.trailers

    def end(self) -> None:
        """Let the phases pass that the end of the request ends, and tell of it."""
        early = self.passed is not None and self.passed < AFTER_RESPONSE
        if early:
            self.route_passes()
        if self.shown is not None:
            self.tell("request_end")
        if early:
            self.response_passes()


class Connection(Request):
    """One WebSocket connection. Its response starts when it is accepted, and ends as it does."""

    __slots__ = ("server_receive",)

    kind = "websocket"
    server_receive: Receive

    def open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take note that the server opens the connection."""
        self.server_receive = receive
        self.server_send = send
        self.method = "WS"
        self.path = scope["path"]
        self.shown = self.passed = None
        self.response_start = self.response_sent = self.request_end = None
        self.request_start = self.recorder.clock()
        self.recorder.begin(self)

    def close(self, scope: Scope) -> None:
        """Take note that the app is done with the connection, whatever came of it."""
        # The scope holds this object, and the server's `send` holds the scope: let go, all are
        # freed without the garbage collector.
        del self.server_receive
        self.server_send = too_late
        self.route = scope.get("route")
        self._closed()
        self.request_end = self.recorder.clock()
        self.end()
        self.recorder.end()

    async def receive(self) -> Message:
        """Take a message from the server, and mark the end that the client makes."""
        message = await self.server_receive()
        if message["type"] == "websocket.disconnect":
            self._closed()
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on to the server, and mark the connection's start and its end."""
        kind = message["type"]
        if kind == "websocket.accept" or kind == "websocket.http.response.start":
            self.status = message.get("status")
            self.response_start = self.recorder.clock()
            if self.shown is not None:
                self.tell("response_start")
        await self.server_send(message)
        if kind == "websocket.close":
            self._closed()

    def _closed(self) -> None:
        if self.response_sent is None:
            self.response_sent = self.recorder.clock()
            if self.shown is not None:
                self.tell("response_sent")


async def too_late(message: Message) -> None:
    """Stand in for the `send` of a server that has ended the request."""
    raise RuntimeError(
        f"{message['type']} was sent after the app had returned, so no server takes it: "
        "end whatever sends before the app does"
    )
