"""Who may see a page that shows an app from inside: who has its token, on this machine."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from fastapi.routing import APIRoute

from fastapi_tasks import harmless

from .token import token_of

logger = logging.getLogger("visualize.live")

SAFE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers for whatever a guarded page answers."""

_PROXIES = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

# After a link from another site, a redirect would come without the cookie; this leads itself on.
_LET_IN = """<!doctype html>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=./">
<title>Timeline</title>
<p><a href="./">To the timeline</a></p>
"""


class Guard:
    """Asks the visitors of a page for its token.

    It stands in the URL that the server prints, and from the first visit on in a cookie that no
    script can read and that no other site's page can send. Without `anywhere` only this machine is
    answered, whoever has the token: behind a proxy everybody seems to come from it, so neither
    check is enough alone. `what` names the page, and `advice` says how others get to see it.
    `logs` says that nobody else tells where the page is.
    """

    def __init__(
        self, prefix: str, *, what: str, advice: str, anywhere: bool = False, logs: bool = True
    ) -> None:
        self.token = token_of(prefix)
        self._prefix = prefix
        self._what = what
        self._advice = advice
        self._anywhere = anywhere
        self._announced = not logs

    @property
    def address(self) -> str:
        """The page's path and token, which follow the server's address in a URL."""
        return f"{self._prefix}/?token={self.token}"

    def announce(self, server: str) -> None:
        """Log, once, where the page is: who reads the log may see it."""
        if not self._announced:
            self._announced = True
            url = harmless(f"{server}{self.address}")
            logger.warning("%s is on %s for whoever has this URL", self._what, url)

    def answer(self, request: Request) -> Response | None:
        """Return what a visitor gets in the page's stead: a refusal, or the cookie. None lets in.

        The peer's address decides whether somebody is on this machine. Headers can only take the
        right away: those of a proxy, which hides the peer; a `Host` that is not this machine, as
        when a page elsewhere had its name resolve to here. Nor is a request of another site's page
        answered.
        """
        if not self._anywhere and (why := _stranger(request)):
            return self._refuse(
                403, f"{self._what} answers this machine only, and {why}. {self._advice}"
            )
        if _comes_from_elsewhere(request):
            return self._refuse(
                403, f"{self._what} answers no other site's page, and one made your request."
            )
        given = request.query_params.get("token")
        if given is not None and self._is_token(given):
            return self._let_in(request)
        if self._is_token(request.cookies.get(_cookie(request), "")) or self._is_token(
            request.headers.get("authorization", "").removeprefix("Bearer ")
        ):
            return None
        self.announce(str(request.base_url).rstrip("/"))
        brought = "none" if given is None else "a wrong one"
        return self._refuse(
            401,
            f"{self._what} asks for a token, and your request has {brought}. Open the URL that the "
            "server printed or logged, which ends with ?token=…; a server that was started anew "
            "has another token than before.",
        )

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _let_in(self, request: Request) -> Response | None:
        if not request.url.path.endswith("/"):
            return None
        headers = {**SAFE, "Content-Security-Policy": _NOTHING}
        response: Response = RedirectResponse("./", 303, headers)
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            response = HTMLResponse(_LET_IN, headers=headers)
        response.set_cookie(
            _cookie(request), self.token, path=request.url.path, httponly=True,
            samesite="strict", secure=request.url.scheme == "https",
        )  # fmt: skip
        return response

    def _refuse(self, status: int, words: str) -> Response:
        headers = {**SAFE, "Content-Security-Policy": _NOTHING}
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return PlainTextResponse(words, status, headers)


_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def guarded(guard: Guard) -> type[APIRoute]:
    """Make the class of routes that ask the guard before anything else."""

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handler = super().get_route_handler()

            async def ask_first(request: Request) -> Response:
                return guard.answer(request) or await handler(request)

            return ask_first

    return GuardedRoute


def _cookie(request: Request) -> str:
    # Cookies do not know ports: two servers of one machine would overwrite each other's.
    return f"timeline-token-{request.url.port or request.url.scheme}"


def _stranger(request: Request) -> str:
    """Say why a visitor is not on this machine; nothing where it is."""
    peer = request.client.host if request.client else "an unknown address"
    if not _is_loopback(peer):
        return f"you come from {harmless(peer)}"
    if any(name in request.headers for name in _PROXIES):
        return "your request came through a proxy, so that your address is not known"
    host = request.url.hostname or ""
    if not _is_loopback(host):
        return f"your request was made to {harmless(host)}, a name from elsewhere"
    return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _comes_from_elsewhere(request: Request) -> bool:
    # Following a link to the page is no harm; a script of another site reading it is.
    headers = request.headers
    return (
        headers.get("sec-fetch-site") in ("cross-site", "same-site")
        and headers.get("sec-fetch-mode") != "navigate"
    )
