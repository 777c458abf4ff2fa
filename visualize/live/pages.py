"""The routes of the live page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.params import Depends as Dependency

from fastapi_tasks import Recorder
from visualize.assets import asset
from visualize.page import LIVE_POLICY, live_html

from .frames import Cursors
from .guard import SAFE, Guard, guarded
from .packing import packing_for
from .sending import compressed
from .sources import Sources
from .stream import Stream

POLICY = f"{LIVE_POLICY}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The page's policy: what its meta element says, and what only a header can say."""

ADVICE = (
    "Elsewhere, give mount() dependencies that say who may see the timeline, or anywhere=True, "
    "which asks for the token alone."
)


class LivePage:
    """The live page of a recorder, at `prefix` of some app; `logs` its address by itself."""

    def __init__(
        self,
        recorder: Recorder,
        prefix: str,
        title: str,
        dependencies: Sequence[Dependency] | None = None,
        *,
        anywhere: bool = False,
        logs: bool = True,
    ) -> None:
        self.prefix = prefix
        self._title = title
        self._sources = Sources(recorder, f"{prefix} {title}")
        self._dependencies = dependencies
        what = "The live timeline"
        self._guard = Guard(prefix, what=what, advice=ADVICE, anywhere=anywhere, logs=logs)

    def __repr__(self) -> str:
        return f"<LivePage at {self.prefix}/>"

    @property
    def token(self) -> str | None:
        """What visitors need, None where dependencies decide."""
        return self._guard.token if self._dependencies is None else None

    @property
    def address(self) -> str:
        """What follows the server's address in the page's URL, with the token if there is one."""
        return self._guard.address if self._dependencies is None else f"{self.prefix}/"

    def announce(self, server: str) -> None:
        """Log, once, where the page is, if it asks for a token."""
        if self._dependencies is None:
            self._guard.announce(server)

    def start(self) -> None:
        """Begin with the app: other workers of its server can then show what happens here."""
        self._sources.start()

    def stop(self) -> None:
        """End with the app."""
        self._sources.stop()

    def router(self) -> APIRouter:
        """Return the routes, in front of which the guard stands, or the dependencies."""
        given = self._dependencies
        router = APIRouter(prefix=self.prefix, dependencies=given, include_in_schema=False)
        if given is None:
            router.route_class = guarded(self._guard)

        # At the end of a slash, so that the page's own addresses can be relative.
        @router.get("/")
        async def page(request: Request) -> Response:
            headers = {**SAFE, "Content-Security-Policy": POLICY}
            text = partial(live_html, "events", title=self._title)
            return await compressed(request, text, "text/html", headers)

        # The page's script, what that has brought later, and what a page that is saved takes along.
        @router.get("/timeline.js")
        @router.get("/later.js")
        @router.get("/file.js")
        async def script(request: Request) -> Response:
            name = request.url.path.rpartition("/")[2]
            return await compressed(request, partial(asset, name), "text/javascript", SAFE)

        @router.get("/events")
        async def events(request: Request) -> Response:
            self._sources.start()
            cursors = Cursors.parse(request.headers.get("last-event-id", ""))
            packing = packing_for(request.headers.get("accept-encoding", ""))
            return Stream(self._sources, cursors, packing)

        return router
