"""T12: whatever Starlette's BackgroundTasks can call, we can; and T13: an upload is a trap."""

import asyncio
import functools
import operator
import xmlrpc.client
from collections.abc import Callable
from io import BytesIO
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock, create_autospec

import anyio
import pytest
from fastapi import FastAPI, UploadFile
from starlette.background import BackgroundTask

from fastapi_tasks import Recorder, Tasks

from .asgi import serving

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


class AnswersEverything:
    """A proxy whose every attribute is another proxy, as of `xmlrpc.client` and many others."""

    def __init__(self, said: list[str], name: str) -> None:
        object.__setattr__(self, "said", said)
        object.__setattr__(self, "name", name)

    def __getattr__(self, name: str) -> "AnswersEverything":
        return AnswersEverything(self.said, f"{self.name}.{name}")

    def __call__(self, word: str) -> None:
        self.said.append(f"{self.name} {word}")


class Forwarding:
    """A proxy that claims to be of the class of what it stands for, as wrapt's and werkzeug's."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    @property
    def __class__(self) -> Any:
        return type(self._wrapped)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._wrapped(*args, **options)


class FalseSignature:
    """What is asked for its signature and says nonsense."""

    __signature__ = "none of your business"

    def __init__(self, said: list[str]) -> None:
        self.said = said

    def __call__(self, word: str) -> None:
        self.said.append(word)


class Mailer:
    def __init__(self, said: list[str]) -> None:
        self.said = said

    async def send(self, word: str) -> None:
        self.said.append(f"sent {word}")

    def post(self, word: str) -> None:
        self.said.append(f"posted {word}")

    @staticmethod
    def static(said: list[str], word: str) -> None:
        said.append(f"static {word}")

    @classmethod
    def made(cls, said: list[str], word: str) -> None:
        said.append(f"{cls.__name__} {word}")

    async def __call__(self, word: str) -> None:
        self.said.append(f"called {word}")


def decorated(said: list[str]) -> Callable[..., Any]:
    def outer(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def wrapper(*args: Any, **options: Any) -> Any:
            return function(*args, **options)

        return wrapper

    @outer
    def note(word: str) -> None:
        said.append(word)

    return note


def completed(said: list[str]) -> Callable[..., Any]:
    """Decorate as what hands over a session does: the call has fewer arguments than it seems."""

    def outer(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **options: Any) -> Any:
            return function("session", *args, **options)

        return wrapper

    @outer
    def note(session: str, word: str) -> None:
        said.append(f"{word} in {session}")

    return note


class Dispatching:
    def __init__(self, said: list[str]) -> None:
        self.said = said

    @functools.singledispatchmethod
    def note(self, word: object) -> None:
        self.said.append(f"{word}")


class Answers(dict[str, Any]):
    """A class whose making is the work."""

    said: list[str] = []  # noqa: RUF012

    def __init__(self, word: str) -> None:
        super().__init__(word=word)
        self.said.append(word)


def single(said: list[str]) -> Callable[..., Any]:
    @functools.singledispatch
    def note(word: object) -> None:
        raise AssertionError

    @note.register
    def _(word: str) -> None:
        said.append(word)

    return note


MAKERS: dict[str, Callable[[list[str]], Callable[..., Any]]] = {
    "function": lambda said: lambda word: said.append(word),
    "coroutine function": lambda said: Mailer(said).send,
    "method": lambda said: Mailer(said).post,
    "builtin method": lambda said: said.append,
    "static method": lambda said: functools.partial(Mailer.static, said),
    "static method object": lambda said: staticmethod(lambda word: said.append(word)),
    "class method": lambda said: functools.partial(Mailer.made, said),
    "callable object": lambda said: Mailer(said),
    "class": lambda said: setattr(Answers, "said", said) or Answers,
    "partial": lambda said: functools.partial(Mailer(said).post),
    "partial of partial": lambda said: functools.partial(
        functools.partial(Mailer.static, said)
    ),
    "partial of coroutine function": lambda said: functools.partial(Mailer(said).send),
    "partial of callable object": lambda said: functools.partial(Mailer(said)),
    "method caller": lambda said: functools.partial(
        operator.methodcaller("post", "word"), Mailer(said)
    ),
    "decorated": decorated,
    "decorated by what adds an argument": completed,
    "cached": lambda said: functools.lru_cache(lambda word: said.append(word)),
    "single dispatch": single,
    "single dispatch of a method": lambda said: Dispatching(said).note,
    "answers everything": lambda said: AnswersEverything(said, "proxy"),
    "attribute of what answers everything": lambda said: AnswersEverything(said, "proxy").send.all,
    "partial of what answers everything": lambda said: functools.partial(
        AnswersEverything(said, "proxy").send
    ),
    "forwards": lambda said: Forwarding(Mailer(said).post),
    "forwards a coroutine function": lambda said: Forwarding(Mailer(said).send),
    "false signature": FalseSignature,
    "mock": lambda said: Mock(side_effect=lambda word: said.append(word)),
    "magic mock": lambda said: MagicMock(side_effect=lambda word: said.append(word)),
    "async mock": lambda said: AsyncMock(side_effect=lambda word: said.append(word)),
    "mock with a spec": lambda said: Mock(
        spec=Mailer, side_effect=lambda word: said.append(word)
    ),
    "autospec of a function": lambda said: create_autospec(
        Mailer(said).post, side_effect=lambda word: said.append(word)
    ),
    "autospec of a coroutine function": lambda said: create_autospec(
        Mailer(said).send, side_effect=lambda word: said.append(word)
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MAKERS)
async def test_whatever_a_background_task_can_call_can_be_scheduled(
    make_app: MakeApp, recorder: Recorder, kind: str
) -> None:
    by_starlette: list[str] = []
    word = [] if kind == "method caller" else ["word"]
    await BackgroundTask(MAKERS[kind](by_starlette), *word)()
    assert len(by_starlette) == 1

    by_us: list[str] = []
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        func = MAKERS[kind](by_us)
        tasks.schedule(func, *word)
        tasks.after_route.task(name="again").schedule(func, *word)

    async with serving(app) as server:
        timeline = await server.settle("/")
    assert timeline.status == 200
    # What is cached runs but once.
    assert by_us == by_starlette * (1 if kind == "cached" else 2)
    assert [task.outcome for task in timeline.tasks] == ["ok", "ok"]
    assert all(isinstance(task.name, str) for task in timeline.tasks)
    assert timeline.tasks[0].name.isprintable()


async def test_a_server_proxy_of_the_standard_library_can_be_scheduled(
    make_app: MakeApp, recorder: Recorder
) -> None:
    """It answers every attribute, and its transport is replaced here: there is no server."""
    asked: list[str] = []

    class Transport(xmlrpc.client.Transport):
        def request(self, host: Any, handler: Any, body: Any, verbose: Any = False) -> Any:
            asked.append(xmlrpc.client.loads(body)[1] or "")
            return (None,)

    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        proxy = xmlrpc.client.ServerProxy("http://shop", transport=Transport(), allow_none=True)
        tasks.schedule(proxy.send, 1)
        tasks.schedule(proxy.mail.send, "hello")

    async with serving(app) as server:
        timeline = await server.settle("/")
    assert sorted(asked) == ["mail.send", "send"]
    assert [(t.name, t.outcome) for t in timeline.tasks] == [("_Method", "ok")] * 2


class TestWhatACallReturns:
    @pytest.mark.parametrize("kind", ["coroutine", "awaitable", "future", "nothing", "list"])
    async def test_is_awaited_if_it_can_be(
        self, make_app: MakeApp, recorder: Recorder, kind: str, anyio_backend_name: str
    ) -> None:
        if kind == "future" and anyio_backend_name == "trio":
            pytest.skip("trio has none")
        app = make_app()
        done: list[str] = []

        async def finish() -> None:
            await anyio.sleep(1)
            done.append(kind)

        class Later:
            def __await__(self) -> Any:
                return finish().__await__()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            future: Any = None
            if kind == "future":
                future = asyncio.ensure_future(finish())
            made = {
                "coroutine": finish,
                "awaitable": Later,
                "future": lambda: future,
                "nothing": lambda: None,
                "list": lambda: [finish],
            }
            tasks.schedule(lambda: made[kind]())

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert [t.outcome for t in timeline.tasks] == ["ok"]
        assert done == ([] if kind in ("nothing", "list") else [kind])

    @pytest.mark.parametrize("kind", ["async", "def"])
    async def test_that_fails_when_awaited_fails_the_task(
        self, make_app: MakeApp, recorder: Recorder, kind: str
    ) -> None:
        app = make_app()
        told: list[str] = []

        async def fails() -> None:
            raise LookupError

        async def report(task: Any, error: Exception) -> None:
            told.append(type(error).__name__)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(on_error=report).schedule(fails if kind == "async" else lambda: fails())

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert [(t.outcome, t.error) for t in timeline.tasks] == [("error", "LookupError")]
        assert told == ["LookupError"]


@pytest.mark.parametrize("keyword", [False, True])
async def test_t13_an_upload_handed_to_a_task_is_warned_of(
    make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture, keyword: bool
) -> None:
    app = make_app()

    async def resize(upload: UploadFile) -> None: ...

    @app.post("/")
    async def endpoint(tasks: Tasks) -> None:
        upload = UploadFile(BytesIO(b"picture"))
        if keyword:
            tasks.after_response.schedule(resize, upload=upload)
        else:
            tasks.after_response.schedule(resize, upload)
        tasks.schedule(anyio.sleep, 0)

    async with serving(app) as server:
        timeline = await server.settle("/", method="POST")
    assert [t.outcome for t in timeline.tasks] == ["ok", "ok"]
    assert [record.getMessage() for record in caplog.records] == [
        "task resize (after_response, POST / #1) is given an UploadFile, which is closed when its "
        "request ends, perhaps before the task reads it: read it first, and give the task its bytes"
    ]
