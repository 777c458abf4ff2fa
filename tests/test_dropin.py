"""Code written for fastapi-tasks 0.1 runs unchanged, and the names that it uses are there."""

import ast
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

import anyio
import pytest
from fastapi import APIRouter, Depends, FastAPI

import fastapi_tasks
from fastapi_tasks import Recorder, Tasks, get_tasks

from .asgi import serving

MakeApp = Callable[..., FastAPI]
PACKAGE = Path(fastapi_tasks.__file__).parent


class TestNames:
    def test_are_where_fastapi_tasks_has_them(self) -> None:
        from fastapi_tasks import Task, TaskConfig, TaskErrorHandler, Tasks, add_tasks
        from fastapi_tasks.errors import FastAPITasksError, FastAPITasksUninitializedAppError
        from fastapi_tasks.tasks import Task as AlsoTask
        from fastapi_tasks.tasks import TaskConfig as AlsoTaskConfig
        from fastapi_tasks.tasks import TaskErrorHandler as AlsoTaskErrorHandler
        from fastapi_tasks.tasks import TasksBatch, TasksScheduler

        assert (Task, TaskConfig, TaskErrorHandler) == (
            AlsoTask,
            AlsoTaskConfig,
            AlsoTaskErrorHandler,
        )
        assert callable(add_tasks)
        assert Tasks.__origin__ is TasksScheduler
        assert TasksBatch.__name__ == "TasksBatch"
        assert issubclass(FastAPITasksUninitializedAppError, FastAPITasksError)
        assert Task[..., Any] is not None
        assert TaskConfig().shielded is False
        assert TaskConfig(shield=True).shielded is True

    def test_a_config_takes_what_another_has_set(self) -> None:
        from fastapi_tasks import TaskConfig

        async def report(task: Any, exc: Exception) -> None: ...

        defaults = TaskConfig(name="a", shield=True)
        own = TaskConfig(shield=False, on_error=report)
        assert defaults.merge(own) == TaskConfig("a", False, report)
        assert defaults.merge(TaskConfig()) == defaults

    def test_an_unknown_name_is_an_attribute_error(self) -> None:
        import fastapi_tasks.tasks

        with pytest.raises(AttributeError, match="nothing_here"):
            fastapi_tasks.tasks.nothing_here  # noqa: B018


@pytest.mark.anyio
class TestUse:
    async def test_a_task_has_its_call_its_config_and_its_start(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        seen: list[Any] = []

        async def work(a: int, b: int = 0) -> None: ...

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            task = tasks.after_route.task(name="n", shield=True).schedule(work, 1, b=2)
            config = task.config
            seen.append((task.func, task.args, task.kwargs, config.name, config.shielded))
            seen.append(task.started.is_set())

        async with serving(app) as server:
            await server.settle("/")
        assert seen == [(work, (1,), {"b": 2}, "n", True), False]

    async def test_works_in_routers_and_in_dependencies_of_either_scope(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        router = APIRouter(prefix="/router")
        ran: list[str] = []

        async def note(name: str) -> None:
            ran.append(name)

        def plain(tasks: Tasks) -> None:
            tasks.after_response.schedule(note, "def dependency")

        async def of_request(tasks: Tasks) -> AsyncIterator[None]:
            tasks.schedule(note, "request-scoped, before")
            yield
            tasks.schedule(note, "request-scoped, after")

        async def of_function(tasks: Tasks) -> AsyncIterator[None]:
            tasks.schedule(note, "function-scoped, before")
            yield
            tasks.after_route.schedule(note, "function-scoped, after")

        @router.get(
            "/",
            dependencies=[
                Depends(plain),
                Depends(of_request),
                Depends(of_function, scope="function"),
            ],
        )
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(note, "endpoint")

        app.include_router(router)
        async with serving(app) as server:
            assert (await server.get("/router/")).status == 200
            await recorder.settled()
        assert sorted(ran) == [
            "def dependency",
            "endpoint",
            "function-scoped, after",
            "function-scoped, before",
            "request-scoped, after",
            "request-scoped, before",
        ]

    async def test_all_ask_for_the_same_tasks_in_one_request(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def first(tasks: Tasks) -> Any:
            return tasks

        @app.get("/")
        async def endpoint(tasks: Tasks, other: Annotated[Any, Depends(first)]) -> bool:
            return tasks is other

        async with serving(app) as server:
            for _ in range(2):
                assert (await server.get("/")).body == b"true"

    async def test_can_be_replaced_in_tests(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()
        calls: list[Any] = []

        class Fake:
            def schedule(self, func: Any, *args: Any) -> None:
                calls.append((func, args))

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(anyio.sleep, 1)

        async with serving(app) as server:
            # Also where the route has served before, and will afterwards.
            for overrides in ({get_tasks: Fake}, {}, {get_tasks: Fake}, {}):
                app.dependency_overrides = dict(overrides)
                assert (await server.get("/")).status == 200
            await recorder.settled()
        assert calls == [(anyio.sleep, (1,))] * 2
        assert [len(timeline.tasks) for timeline in recorder.timelines] == [0, 1, 0, 1]

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_an_eager_task_factory_changes_nothing(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        import asyncio

        if sys.version_info < (3, 12):
            pytest.skip("eager tasks came with Python 3.12")
        app = make_app()
        order: list[str] = []

        async def work() -> None:
            order.append("task")

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(work)
            order.append("endpoint")

        async with serving(app) as server:
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            await server.settle("/")
        assert order == ["endpoint", "task"]


class TestPackage:
    def test_imports_neither_visualize_nor_anything_heavy(self) -> None:
        code = (
            # Since 3.14 fastapi leaves asyncio to the server, which always loads it.
            "import asyncio, sys, fastapi; before = set(sys.modules); import fastapi_tasks; "
            "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
        )
        # Of what fastapi has loaded already only a module more: AnyIO's for threads, Starlette's of
        # endpoints that are classes, and that of the executors, which needs queues.
        needed = {"anyio", "concurrent", "queue", "_queue", "starlette"}
        assert set(done.stdout.split()) - needed == {"fastapi_tasks"}

    def test_reads_and_writes_recordings_only_once_it_is_asked_to(self) -> None:
        code = (
            "import sys, fastapi_tasks; before = 'fastapi_tasks.recording' in sys.modules; "
            "from fastapi_tasks import from_json, load, merge, save, to_json; "
            "print(before, to_json is sys.modules['fastapi_tasks.recording'].to_json)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stdout.split() == ["False", "True"]

    def test_an_unknown_name_is_an_attribute_error(self) -> None:
        with pytest.raises(AttributeError, match="'fastapi_tasks' has no attribute 'nothing_here'"):
            fastapi_tasks.nothing_here  # type: ignore[attr-defined]  # noqa: B018

    def test_uses_no_private_name_of_what_it_builds_on(self) -> None:
        found = []
        for path in PACKAGE.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
                elif isinstance(node, ast.Import):
                    names = [part for alias in node.names for part in alias.name.split(".")]
                elif isinstance(node, ast.Attribute) and ast.unparse(node.value) not in OWNERS:
                    names = [node.attr]
                else:
                    continue
                found += [(path.name, name) for name in names if is_private(name)]
        assert set(found) == NO_PUBLIC_WAY | OWN

    def test_the_names_that_have_no_public_way_are_still_there(self) -> None:
        """What fastapi_tasks needs of its foundations beyond their public names.

        `loops/worker.py`: AnyIO's thread-locals, so that `anyio.from_thread` works in `def` tasks.
        `endpoint.py`: FastAPI's exit stack in the scope, which tells when a request's dependencies
        are over, and where FastAPI keeps the endpoint that it calls. What `loops/left_open.py`
        needs of trio has a test beside those of what it does.
        """
        import anyio.from_thread
        import fastapi.routing

        assert hasattr(anyio.from_thread, "threadlocals")
        source = Path(fastapi.routing.__file__).read_text()
        assert 'scope["fastapi_inner_astack"]' in source
        assert "dependant.call(**" in source


OWNERS = {"self", "cls", "sys"}
"""What has private names of its own, or documented ones that look like it."""
NO_PUBLIC_WAY = {("left_open.py", "_closed"), ("left_open.py", "_nested_child_finished")}
OWN = {
    ("recorder.py", "_keeper"),
    *(("dependencies.py", name) for name in ("_call", "_name")),
    ("share.py", "_replace"),  # documented, of a named tuple
}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")
