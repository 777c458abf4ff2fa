from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

from fastapi_tasks.watch import frames
from fastapi_tasks.watch.frames import (
    Whose,
    belongs_to_app,
    is_framework_at_work,
    is_ours,
    is_started_by_app,
    user_frame,
    whose,
)

# Where a caller may stand: a module's name and its file.
APP = "shop.orders", "/srv/shop/orders.py"
INSTALLED_APP = "shop.orders", "/venv/lib/python3.11/site-packages/shop/orders.py"
LIBRARY = "aiofiles.os", "/venv/lib/python3.11/site-packages/aiofiles/os.py"
DRIVER = "sqlalchemy.ext.asyncio", "/venv/lib/python3.11/site-packages/sqlalchemy/ext/asyncio.py"
DEBIAN = "aiofiles.os", "/usr/lib/python3/dist-packages/aiofiles/os.py"
STDLIB = "asyncio.tasks", asyncio.tasks.__file__
FASTAPI = "fastapi.routing", "/venv/lib/python3.11/site-packages/fastapi/routing.py"
EDITABLE = "starlette.routing", "/src/starlette/starlette/routing.py"
POOL = "starlette.concurrency", "/venv/lib/python3.11/site-packages/starlette/concurrency.py"
FROZEN = "importlib._bootstrap", "<frozen importlib._bootstrap>"
CELL = "__main__", "<ipython-input-1-abc>"
OURS = "fastapi_tasks.watch.hook", "/src/fastapi_tasks/watch/hook.py"
OUR_CORE = "fastapi_tasks.job", "/src/fastapi_tasks/job.py"
SDK = "opentelemetry.sdk.trace", "/venv/lib/python3.11/site-packages/opentelemetry/sdk/trace.py"
OTEL = "opentelemetry.context", "/src/opentelemetry/context.py"


@pytest.fixture(autouse=True)
def _no_packages() -> Iterator[None]:
    yield
    frames._packages.clear()
    frames._known.clear()


def defined(place: tuple[str, str], source: str) -> Callable[..., Any]:
    """Make the function `call` of this source stand at a place."""
    names: dict[str, Any] = {"__name__": place[0]}
    exec(compile(source, place[1], "exec"), names)
    return names["call"]  # type: ignore[no-any-return]


def within(*places: tuple[str, str], ask: Callable[[], Any]) -> Any:
    """Ask from inside of calls at these places, the innermost first."""
    for place in places:
        ask = functools.partial(defined(place, "def call(f): return f()"), ask)
    return ask()


def module_of(frame: FrameType | None) -> str | None:
    return None if frame is None else frame.f_globals["__name__"]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (APP, Whose.APP),
        (CELL, Whose.APP),
        (INSTALLED_APP, Whose.LIBRARY),
        (LIBRARY, Whose.LIBRARY),
        (DEBIAN, Whose.LIBRARY),
        (STDLIB, Whose.NOBODY),
        (FROZEN, Whose.NOBODY),
        (POOL, Whose.NOBODY),
        (OURS, Whose.NOBODY),
        (OTEL, Whose.NOBODY),
        (OUR_CORE, Whose.FRAMEWORK),
        (FASTAPI, Whose.FRAMEWORK),
        (EDITABLE, Whose.FRAMEWORK),
        (SDK, Whose.FRAMEWORK),
        (("", "/srv/shop/made.py"), Whose.APP),
    ],
)
def test_whose_code_a_frame_is(place: tuple[str, str], expected: Whose) -> None:
    frame = within(place, ask=lambda: sys._getframe(1))

    assert whose(frame) is expected
    assert is_ours(frame) is (expected is not Whose.APP)


def test_code_without_a_modules_name_belongs_to_its_file() -> None:
    names: dict[str, Any] = {}
    exec(compile("def call(f): return f()", "/srv/shop/orders.py", "exec"), names)
    del names["__builtins__"]

    assert whose(names["call"](lambda: sys._getframe(1))) is Whose.APP


def test_an_installed_apps_packages_are_its_own_once_named() -> None:
    look = functools.partial(within, INSTALLED_APP, ask=lambda: sys._getframe(1))
    assert whose(look()) is Whose.LIBRARY

    # FastAPI's own endpoints, which show its docs, do not make it the app's.
    belongs_to_app("shop", "fastapi")

    assert whose(look()) is Whose.APP
    assert whose(within(FASTAPI, ask=lambda: sys._getframe(1))) is Whose.FRAMEWORK


@pytest.mark.parametrize(
    ("places", "user", "framework"),
    [
        ([APP], "shop.orders", False),
        ([STDLIB, LIBRARY, POOL, APP], "shop.orders", False),
        # The framework's own call, though a middleware of the app's stands further out.
        ([FASTAPI, APP], None, True),
        ([POOL, FASTAPI, APP], None, True),
        ([LIBRARY, EDITABLE, APP], None, True),
        ([APP, FASTAPI], "shop.orders", False),
    ],
)
def test_the_first_frame_past_libraries_decides(
    places: list[tuple[str, str]], user: str | None, framework: bool
) -> None:
    assert module_of(within(*places, ask=user_frame)) == user
    assert within(*places, ask=is_framework_at_work) is framework


@pytest.mark.parametrize(
    ("made", "places", "expected"),
    [
        # Whatever it is, the app starts it.
        (APP, [STDLIB, APP], True),
        (DRIVER, [STDLIB, APP], True),
        (STDLIB, [OTEL, STDLIB, APP], True),
        # A library runs the app's code in a task, or its own.
        (APP, [STDLIB, LIBRARY, APP], True),
        (DRIVER, [STDLIB, DRIVER, APP], False),
        (STDLIB, [STDLIB, DRIVER, APP], False),
        (APP, [STDLIB, LIBRARY, EDITABLE, APP], False),
        # The framework does, though a middleware of the app's stands further out.
        (APP, [STDLIB, FASTAPI, APP], False),
        (EDITABLE, [EDITABLE, APP], False),
    ],
)
def test_who_starts_a_task(
    made: tuple[str, str], places: list[tuple[str, str]], expected: bool
) -> None:
    coroutine = defined(made, "async def call(): ...")()
    try:
        ask = functools.partial(is_started_by_app, coroutine)
        assert within(*places, ask=ask) is expected
    finally:
        coroutine.close()


def test_what_is_no_coroutine_of_pythons_is_started_by_who_starts_it() -> None:
    assert within(STDLIB, APP, ask=functools.partial(is_started_by_app, object()))
    assert not within(LIBRARY, APP, ask=functools.partial(is_started_by_app, object()))


def test_a_librarys_generator_is_not_where_a_task_ends() -> None:
    generate = defined(LIBRARY, "def call(f): yield f()")

    assert module_of(next(generate(user_frame))) == __name__


@pytest.mark.parametrize(
    ("place", "user", "framework"),
    [(LIBRARY, None, False), (FASTAPI, None, True), (APP, "shop.orders", False)],
)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_task_ends_where_the_loop_runs_it(
    place: tuple[str, str], user: str | None, framework: bool, loop: str
) -> None:
    # Of uvloop's no frame is to be seen.
    factory = pytest.importorskip(loop).new_event_loop
    ask = defined(LIBRARY, "async def call(f): return f()")
    pass_on = defined(LIBRARY, "async def call(f): return await f()")
    outermost = defined(place, "async def call(f): return await f()")

    async def main() -> list[Any]:
        # Each a task of its own, as `asyncio.gather(asyncio.to_thread(f))` makes them.
        return await asyncio.gather(
            *(
                outermost(functools.partial(pass_on, functools.partial(ask, question)))
                for question in (user_frame, is_framework_at_work)
            )
        )

    # A server's frames stand below those of the loop.
    server = ("uvicorn.server", "/src/uvicorn/server.py")
    with asyncio.Runner(loop_factory=factory) as runner:
        frame, found = within(server, ask=lambda: runner.run(main()))

    assert (module_of(frame), found) == (user, framework)
