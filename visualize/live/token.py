"""The token that opens a page: random, and the same in all workers of a server."""

from __future__ import annotations

import base64
import hmac
from multiprocessing import current_process

LENGTH = 22


def token_of(page: str) -> str:
    """Return the token of the page of this name: 22 characters that fit into a URL.

    It is made from a secret of this process that others have only if it started them: forked or
    spawned workers have the same token, whether the app was loaded before or after, and a new
    start of the server has another one.
    """
    secret = bytes(current_process().authkey)
    made = hmac.digest(secret, f"the token of {page}".encode(), "sha256")
    return base64.urlsafe_b64encode(made).decode()[:LENGTH]
