"""Dependencies of every kind: watched, FastAPI treats each as it would without us."""

import functools
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI

from fastapi_tasks import add_tasks
from fastapi_tasks.watch import dependencies, hook

from .asgi import serving
from .watching import watched, whole

pytestmark = pytest.mark.anyio

Where = dict[str, Any]


def here(value: str) -> Where:
    """Tell what was got, and whether on a thread of its own."""
    return {"value": value, "loop": threading.get_ident() == LOOP["thread"]}


LOOP = {"thread": 0}


def plain(q: str = "a") -> Where:
    return here(q)


async def coroutine(q: str = "a") -> Where:
    return here(q)


def generator(q: str = "a") -> Iterator[Where]:
    yield here(q)


async def async_generator(q: str = "a") -> AsyncIterator[Where]:
    yield here(q)


def as_method(function: Callable[..., Any]) -> Callable[..., Any]:
    class Holder:
        method = staticmethod(function)

    return Holder().method


def as_object(function: Callable[..., Any]) -> Callable[..., Any]:
    if function is plain:

        class Plain:
            def __call__(self, q: str = "a") -> Where:
                return here(q)

        return Plain()
    if function is coroutine:

        class Coroutine:
            async def __call__(self, q: str = "a") -> Where:
                return here(q)

        return Coroutine()
    if function is generator:

        class Generator:
            def __call__(self, q: str = "a") -> Iterator[Where]:
                yield here(q)

        return Generator()

    class AsyncGenerator:
        async def __call__(self, q: str = "a") -> AsyncIterator[Where]:
            yield here(q)

    return AsyncGenerator()


def as_partial(function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.partial(functools.partial(function), q="b")


def as_wrapped_by_async(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def as_wrapped_by_plain(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def as_wrapping_object(function: Callable[..., Any]) -> Callable[..., Any]:
    class Wrapping:
        def __init__(self) -> None:
            functools.update_wrapper(self, function)

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

    return Wrapping()


def as_partial_of_wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.partial(as_wrapped_by_plain(function), q="b")


FORMS = [
    lambda function: function,
    as_method,
    as_object,
    as_partial,
    as_wrapped_by_plain,
    as_wrapping_object,
    as_partial_of_wrapped,
]
IDS = ["itself", *(form.__name__ for form in FORMS[1:])]
KINDS = [plain, coroutine, generator, async_generator]


class Made:
    """A dependency that is a class."""

    def __init__(self, q: str = "a") -> None:
        self.where = here(q)

    async def __call__(self) -> None: ...


class Paging:
    def __init__(self, limit: int = 10) -> None: ...


def paged(page: Annotated[Paging, Depends()]) -> Paging:
    return page


async def next_page(page: Annotated[Paging, Depends(paged)]) -> AsyncIterator[Paging]:
    yield page


async def answers(call: Callable[..., Any], watch: bool, override: bool = False) -> Any:
    """Return what clients get, and what was recorded of the first request, as lines."""
    app = FastAPI()
    got: list[Any] = []

    @app.get("/")
    async def endpoint(value: Annotated[Any, Depends(call)]) -> None:
        got.append(value.where if isinstance(value, Made) else value)

    recorder = add_tasks(app, watch=watch)
    async with serving(app) as server:
        LOOP["thread"] = threading.get_ident()
        statuses = [(await server.get(path)).status for path in ("/", "/?q=c")]
        if override:
            app.dependency_overrides[call] = lambda: "replaced"
            statuses.append((await server.get("/")).status)
    first = recorder.timelines[0]
    return (statuses, got), [line for line in whole(first) if "depend" in line or "close" in line]


def assert_alike(got: Any, plain: Any) -> None:
    """What a generator was seen at when it is the value itself has no equal."""
    assert [str(type(one)) for one in got[1]] == [str(type(one)) for one in plain[1]]
    assert got[0] == plain[0]
    for one, other in zip(got[1], plain[1], strict=True):
        if isinstance(other, (dict, str)):
            assert one == other


# FastAPI's first releases take some for a value.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS, ids=IDS)
async def test_each_kind_in_each_form_is_run_as_it_would_be_unwatched(
    form: Callable[[Any], Callable[..., Any]], kind: Callable[..., Any]
) -> None:
    call = form(kind)
    unwatched, _ = await answers(call, watch=False, override=True)
    watched, lines = await answers(call, watch=True, override=True)
    assert_alike(watched, unwatched)
    for one in (*unwatched[1], *watched[1]):
        if inspect.iscoroutine(one):
            # Or it would be an error of a later test.
            one.close()
    assert lines[0].strip().startswith("dependency ")
    if kind in (generator, async_generator) and isinstance(unwatched[1][0], dict):
        assert [line.strip().partition(" ")[0] for line in lines] == ["dependency", "close"]


def lets_through() -> Iterator[None]:
    yield


def swallows() -> Iterator[None]:
    with suppress(KeyError):
        yield


def fails_in_its_close() -> Iterator[None]:
    yield
    raise OSError


def turns_it_into_another() -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise OSError from error


def never_yields() -> Iterator[None]:
    if LOOP is None:
        yield


def yields_twice() -> Iterator[None]:
    yield
    yield


ENDINGS = [
    (lets_through, None, None, [None, None]),
    (lets_through, KeyError, KeyError, [None, None]),
    (swallows, None, None, [None, None]),
    (swallows, KeyError, None, [None, None]),
    (fails_in_its_close, None, OSError, [None, "OSError"]),
    (fails_in_its_close, KeyError, KeyError, [None, None]),
    (turns_it_into_another, KeyError, OSError, [None, "OSError"]),
    (never_yields, None, RuntimeError, ["Stop"]),
    (yields_twice, None, RuntimeError, [None, None]),
]


def in_async(function: Callable[[], Iterator[None]]) -> Callable[[], AsyncIterator[None]]:
    async def generator() -> AsyncIterator[None]:
        with contextmanager(function)():
            yield

    async def never() -> AsyncIterator[None]:
        if LOOP is None:
            yield

    return never if function is never_yields else generator


@pytest.mark.parametrize(
    ("function", "raised", "left", "errors", "is_async"),
    [
        *((*ending, False) for ending in ENDINGS),
        # The last would be left half-way, which its loop complains of.
        *((*ending, True) for ending in ENDINGS[:-1]),
    ],
)
async def test_how_one_with_a_yield_ends(
    function: Callable[[], Iterator[None]],
    raised: type[Exception] | None,
    left: type[Exception] | None,
    errors: list[str | None],
    is_async: bool,
) -> None:
    found: Exception | None = None
    with watched() as timeline:
        try:
            if is_async:
                async with asynccontextmanager(dependencies.Dependency(in_async(function)))():
                    if raised is not None:
                        raise raised
            else:
                with contextmanager(dependencies.Dependency(function))():
                    if raised is not None:
                        raise raised
        except Exception as error:
            found = error
    assert (found and type(found)) == left
    assert [span.kind for span in timeline.spans] == ["dependency", "close"][: len(errors)]
    for span, error in zip(timeline.spans, errors, strict=True):
        assert span.end is not None
        assert span.error == error or (error and str(span.error).startswith(error))


@pytest.mark.parametrize(
    "call",
    [Made, functools.partial(Made, q="b"), as_wrapped_by_async(plain), as_wrapped_by_plain(Made)],
    ids=["class", "partial of a class", "async wrapper of a def", "wrapped class"],
)
async def test_classes_and_what_wraps_another_kind(call: Callable[..., Any]) -> None:
    unwatched, _ = await answers(call, watch=False, override=True)
    watched, lines = await answers(call, watch=True, override=True)
    assert_alike(watched, unwatched)
    assert len(lines) == 1


# Trio refuses what is to be awaited from a thread.
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_value_that_could_be_awaited_or_entered_is_left_alone() -> None:
    async def later() -> str:
        return "later"

    def give() -> Any:
        return later()

    def iterate() -> Any:
        return iter(generator())

    app = FastAPI()
    recorder = add_tasks(app, watch=True)

    @app.get("/")
    async def endpoint(
        value: Annotated[Any, Depends(give)], items: Annotated[Any, Depends(iterate)]
    ) -> list[Any]:
        return [await value, type(items).__name__, items.gi_code.co_name]

    async with serving(app) as server:
        assert (await server.get("/")).body == b'["later","generator","generator"]'
    lines = whole(recorder.timelines[0])
    assert lines[:2] == ["dependency give", "dependency iterate"]


@pytest.mark.parametrize("call", [Paging, paged, next_page], ids=lambda call: call.__name__)
async def test_what_is_wrong_with_a_dependencys_own_parameter_is_told(
    call: Callable[..., Any],
) -> None:
    """The endpoint has no parameters of its own, which would be validated in any case."""
    app = FastAPI()

    @app.get("/")
    async def endpoint(page: Annotated[Any, Depends(call)]) -> None: ...

    recorder = add_tasks(app, watch=True)
    async with serving(app) as server:
        statuses = [(await server.get(path)).status for path in ("/?limit=7", "/?limit=many")]
    assert statuses == [200, 422]
    right, wrong = (whole(one) for one in recorder.timelines)
    assert not any("validation" in line for line in right)
    assert wrong == ["validation parameters ! RequestValidationError", "sending response"]


async def test_a_dependency_is_what_it_stands_for_to_whoever_looks() -> None:
    app = FastAPI()
    add_tasks(app, watch=True)

    @app.get("/")
    async def endpoint(value: Annotated[Any, Depends(plain)]) -> None: ...

    async with serving(app) as server:
        await server.get("/")
        (found,) = (
            one.dependant.dependencies
            for one in app.routes
            if getattr(one, "endpoint", 0) is endpoint
        )
    call = found[0].call
    assert (call, hash(call), call.__name__, call.__doc__) == (plain, hash(plain), "plain", None)
    assert repr(call) == repr(plain)


async def test_one_that_fails_to_be_recorded_is_run_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OverflowError

    monkeypatch.setattr(dependencies, "begin", fail)
    monkeypatch.setattr(hook, "_failed", set())
    app = FastAPI()
    add_tasks(app, watch=True)
    for call in KINDS:
        app.add_api_route(f"/{call.__name__}", lambda: None, dependencies=[Depends(call)])
    async with serving(app) as server:
        assert [(await server.get(f"/{call.__name__}")).status for call in KINDS] == [200] * 4
    assert [record.message[:23] for record in caplog.records] == ["watching failed in test"]
