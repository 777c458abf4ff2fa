"""What a stack tells of who is at work."""

from __future__ import annotations

import asyncio
import json
import selectors
from pathlib import Path
from types import CodeType

import pytest

from fastapi_tasks import steps
from fastapi_tasks.watch.stacks import Call, Sight, Stacks, runner_code, stack_of

SITE = "/venv/lib/python3.11/site-packages"
SOURCE = "def {name}():\n    first()\n    work()\n"


def call(path: str, name: str = "render", line: int = 3) -> Call:
    """Return a call of a function in this file, which is at this line."""
    return at_line(compile(SOURCE.format(name=name), path, "exec").co_consts[0], line)


def at_line(code: CodeType, line: int) -> Call:
    return Call(code, next(start for start, _, number in code.co_lines() if number == line))


RUNNER = call("/usr/bin/run.py", "run")
STEP = call(steps.__file__, "_step")
SERIALIZE = call(f"{SITE}/fastapi/routing.py", "serialize_response")
ROUTE = call(f"{SITE}/fastapi/routing.py", "app")
WAITING = call(selectors.__file__, "select")


@pytest.fixture
def stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stacks:
    monkeypatch.chdir(tmp_path)
    return Stacks(RUNNER.code, {"club"})


def line(stacks: Stacks, *calls: Call) -> str | None:
    return stacks.read([*calls, STEP]).line


class TestTheLine:
    def test_is_the_deepest_of_the_users(self, stacks: Stacks, tmp_path: Path) -> None:
        inner, outer = (call(f"{tmp_path}/shop/{name}.py", name) for name in ("mail", "orders"))
        dumps = call(json.__file__, "dumps")
        library = call(f"{SITE}/jinja2/environment.py")
        assert line(stacks, dumps, library, inner, outer) == "shop/mail.py:3 in mail"

    def test_is_where_the_call_stands_now(self, stacks: Stacks, tmp_path: Path) -> None:
        assert line(stacks, call(f"{tmp_path}/mail.py", line=2)) == "mail.py:2 in render"

    def test_is_none_where_all_is_a_library_s(self, stacks: Stacks) -> None:
        assert line(stacks, call(json.__file__), call(f"{SITE}/sqlalchemy/orm/loading.py")) is None

    def test_counts_as_the_users_where_the_endpoints_are_installed(self, stacks: Stacks) -> None:
        assert line(stacks, call(f"{SITE}/club/mail.py")) == "mail.py:3 in render"
        assert line(stacks, call(f"{SITE}/other/mail.py")) is None

    def test_is_rather_one_that_is_not_installed(self, stacks: Stacks, tmp_path: Path) -> None:
        # A router from a package of its own may be among the app's.
        installed = call(f"{SITE}/club/passwords.py")
        assert line(stacks, installed, call(f"{tmp_path}/mail.py")) == "mail.py:3 in render"

    def test_of_an_installed_package_begins_where_it_is_imported_from(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.syspath_prepend(f"{tmp_path}/site-packages")
        stacks = Stacks(None, {"club"})
        installed = call(f"{tmp_path}/site-packages/club/mail.py")
        assert line(stacks, installed) == "club/mail.py:3 in render"

    def test_outside_of_the_working_directory_begins_where_it_is_imported_from(
        self, stacks: Stacks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.syspath_prepend("/srv/code")
        assert line(stacks, call("/srv/code/shop/mail.py")) == "shop/mail.py:3 in render"

    def test_elsewhere_shows_no_folders(self, stacks: Stacks) -> None:
        assert line(stacks, call("/home/ada/mail.py")) == "mail.py:3 in render"

    def test_of_a_notebook_is_in_a_cell(self, stacks: Stacks) -> None:
        assert line(stacks, call("/tmp/ipykernel_42/17.py")) == "cell:3 in render"

    def test_has_no_control_over_a_terminal(self, stacks: Stacks, tmp_path: Path) -> None:
        assert line(stacks, call(f"{tmp_path}/a\x1b[2Jb.py")) == r"a\x1b[2Jb.py:3 in render"

    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ("class Mail:\n    def send(self):\n        pass", "Mail.send"),
            ("def make():\n    def render():\n        pass\n    return render", "render"),
            ("def sums(n):\n    def inner():\n        return sum(\n i for i in n)", "inner"),
            ("def later():\n    return lambda: (\n 1)", "later"),
        ],
    )
    def test_names_the_function(
        self, stacks: Stacks, tmp_path: Path, source: str, name: str
    ) -> None:
        code = compile(source, f"{tmp_path}/mail.py", "exec")
        while inner := [one for one in code.co_consts if isinstance(one, CodeType)]:
            (code,) = inner
        assert (line(stacks, Call(code, 0)) or "").endswith(f" in {name}")


class TestTheFrameworksOwnWork:
    @pytest.mark.parametrize(
        ("calls", "phase"),
        [
            ([SERIALIZE, ROUTE], "serialization"),
            ([call(f"{SITE}/fastapi/dependencies/utils.py"), ROUTE], "validation"),
            ([call(f"{SITE}/starlette/middleware/gzip.py"), ROUTE], "middleware"),
            ([call(f"{SITE}/uvicorn/protocols/http/h11_impl.py")], "the server's own work"),
            ([ROUTE], None),
        ],
    )
    def test_is_named_rather_than_a_line_that_waits_for_it(
        self, stacks: Stacks, tmp_path: Path, calls: list[Call], phase: str | None
    ) -> None:
        middleware = call(f"{tmp_path}/middleware.py", "__call__")
        assert line(stacks, call(json.__file__), *calls, middleware) == phase

    def test_is_the_users_line_where_the_user_asked_for_it(
        self, stacks: Stacks, tmp_path: Path
    ) -> None:
        endpoint = call(f"{tmp_path}/shop.py", "endpoint")
        encoder = call(f"{SITE}/fastapi/encoders.py")
        assert line(stacks, encoder, endpoint, ROUTE) == "shop.py:3 in endpoint"

    def test_is_not_the_users_although_the_framework_has_endpoints(self) -> None:
        stacks = Stacks(None, {"fastapi"})
        assert line(stacks, call(f"{SITE}/fastapi/openapi/utils.py")) == "the OpenAPI schema"


class TestWhoWasCalled:
    def test_is_the_outermost_function_of_the_users(self, stacks: Stacks, tmp_path: Path) -> None:
        worker, mail = (call(f"{tmp_path}/{name}.py", name) for name in ("worker", "mail"))
        group = call(f"{SITE}/anyio/_backends/_asyncio.py")
        assert stacks.read([mail, worker, group, RUNNER]) == Sight("mail.py:3 in mail", "worker")

    def test_is_a_library_s_where_there_is_no_other(self, stacks: Stacks) -> None:
        inner, outer = call(f"{SITE}/redis/a.py", "parse"), call(f"{SITE}/redis/b.py", "listen")
        assert stacks.read([inner, outer, RUNNER]) == Sight(None, "listen")

    def test_ends_where_the_loop_is_run(self, stacks: Stacks, tmp_path: Path) -> None:
        main = call(f"{tmp_path}/main.py", "main")
        assert stacks.read([RUNNER, main]) == Sight(None, None)

    def test_is_nobody_while_the_loop_waits(self, stacks: Stacks, tmp_path: Path) -> None:
        main = call(f"{tmp_path}/main.py", "main")
        once = call(asyncio.base_events.__file__, "_run_once")
        assert stacks.read([WAITING, once, main]).root is None
        assert stacks.read([call(f"{SITE}/trio/_core/_io_epoll.py"), RUNNER]).root is None

    def test_is_told_also_where_the_rest_of_the_stack_is_elsewhere(
        self, stacks: Stacks, tmp_path: Path
    ) -> None:
        # A greenlet's stack ends with it.
        assert stacks.read([call(f"{tmp_path}/mail.py")]).root == "render"


def test_what_runs_the_loop_calls_tasks_and_callbacks_alike() -> None:
    import threading

    async def main() -> None:
        runner = runner_code()
        found = asyncio.get_running_loop().create_future()

        def callback() -> None:
            stack = stack_of(threading.get_ident())
            assert stack is not None
            found.set_result([one.code for one in stack])

        asyncio.get_running_loop().call_soon(callback)
        codes = await found
        assert codes[1:3] == [callback.__code__, runner]

    asyncio.run(main())


def test_no_thread_has_no_stack() -> None:
    assert stack_of(0) is None
