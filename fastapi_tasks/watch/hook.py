"""What all hooks share: they are put in place once, and their own failures stay with them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol

from ..log import log
from .here import here

SHORTEST_WAIT = 1_000_000
"""Nanoseconds: a wait for a thread or a connection that was shorter is none worth a bar."""


class Ending(Protocol):
    """Something that has begun and will end."""

    def end(self, error: BaseException | None = None) -> None:
        """Take note of the end; `error` is what left it."""


# By their identity: an owner may be one that has no hash. It is kept, so that no other gets its.
_done: dict[tuple[int, str], object] = {}
_failed: set[str] = set()


def once(owner: object, name: str) -> bool:
    """Tell whether this is the first call for `name` of `owner`."""
    if (id(owner), name) in _done:
        return False
    _done[id(owner), name] = owner
    return True


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put `make(original)` in the place of `owner.name`, once; nothing where there is none."""
    original = getattr(owner, name, None)
    if original is not None and once(owner, name):
        setattr(owner, name, make(original))


def tried(part: Callable[..., Any], *args: Any) -> Any:
    """Call a part of a hook; where it fails return None, and say so in the log the first time."""
    try:
        return part(*args)
    except Exception:
        failed(part)
        return None


def failed(part: Callable[..., Any]) -> None:
    """Say in the log, the first time, that a part of a hook has raised what is being handled."""
    name = part.__qualname__
    if name not in _failed:
        _failed.add(name)
        log.exception(
            "watching failed in %s: the app goes on, and its timelines lack what this would "
            "have recorded; it is said once",
            name,
        )


def _end(opened: Ending, result: object) -> None:  # noqa: ARG001
    opened.end()


def around(
    original: Callable[..., Any],
    begin: Callable[..., Ending | None],
    returned: Callable[[Any, Any], None] = _end,
) -> Callable[..., Any]:
    """Return what calls `original` in a span, wherever a watched request is under way.

    `begin` gets the call's arguments; `returned` what `begin` returned, and the call's result.
    """
    if inspect.iscoroutinefunction(original):
        return _around_async(original, begin, returned)

    @functools.wraps(original)
    def hook(*args: Any, **kwargs: Any) -> Any:
        if here.get() is None:
            return original(*args, **kwargs)
        try:
            opened = begin(*args, **kwargs)
        except Exception:
            failed(begin)
            opened = None
        if opened is None:
            return original(*args, **kwargs)
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            tried(opened.end, error)
            raise
        try:
            returned(opened, result)
        except Exception:
            failed(returned)
        return result

    return hook


def _around_async(
    original: Callable[..., Any],
    begin: Callable[..., Ending | None],
    returned: Callable[[Any, Any], None],
) -> Callable[..., Any]:
    @functools.wraps(original)
    async def hook(*args: Any, **kwargs: Any) -> Any:
        if here.get() is None:
            return await original(*args, **kwargs)
        try:
            opened = begin(*args, **kwargs)
        except Exception:
            failed(begin)
            opened = None
        if opened is None:
            return await original(*args, **kwargs)
        try:
            result = await original(*args, **kwargs)
        except BaseException as error:
            tried(opened.end, error)
            raise
        try:
            returned(opened, result)
        except Exception:
            failed(returned)
        return result

    return hook
