"""Who may see the live page when nobody said who may: this machine alone."""

from __future__ import annotations

from ipaddress import ip_address

from fastapi import HTTPException, Request

_PROXIES = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_ADVICE = "give mount() dependencies that say who may see the timeline"


def loopback_only(request: Request) -> None:
    """Refuse, with status 403, whoever does not come straight from this machine.

    The peer's address decides. Headers can only take the right away: those of a proxy, which
    hides the peer; a `Host` that is not this machine, as when a page elsewhere had its name
    resolve to here; and a request that another site's page sends.
    """
    peer = request.client.host if request.client else "an unknown address"
    if not _is_loopback(peer):
        raise _refusal(f"you come from {peer}")
    if any(name in request.headers for name in _PROXIES):
        raise _refusal("your request came through a proxy, so that your address is not known")
    host = request.url.hostname or ""
    if not _is_loopback(host):
        raise _refusal(f"your request was made to {host}, a name from elsewhere")
    if _comes_from_elsewhere(request):
        raise _refusal("another site's page made your request")


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


def _refusal(why: str) -> HTTPException:
    return HTTPException(
        403, f"The live timeline answers this machine only, and {why}. Elsewhere, {_ADVICE}."
    )
