"""One WebSocket connection on its way between the server and the app."""

from __future__ import annotations

from typing import ClassVar, Literal

from starlette.types import Message, Scope

from .request import Request

NO_CLOSE_FRAME = 1006


class Connection(Request):
    """A connection. Its response starts when it is accepted, and has been sent when it closes."""

    __slots__ = ()

    kind: ClassVar[Literal["http", "websocket"]] = "websocket"

    async def receive(self) -> Message:
        """Take a message from the server, and mark the end that the client makes."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._closed()
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on to the server, and mark the connection's start and its end."""
        kind = message["type"]
        if kind == "websocket.accept" or kind == "websocket.http.response.start":
            self.timeline.status = message.get("status")
            self.mark("response_start")
        await self._send(message)
        if kind == "websocket.close":
            self._closed()

    def end(self, scope: Scope) -> None:
        """Take note that the app is done with the connection, whatever came of it."""
        self._closed()
        super().end(scope)
        self._receive = nobody_there

    def _closed(self) -> None:
        if self.timeline.response_sent is None:
            self.mark("response_sent")


async def nobody_there() -> Message:
    """Stand in for the `receive` of a server that has ended the connection."""
    return {"type": "websocket.disconnect", "code": NO_CLOSE_FRAME}
