"""What each variant changes: every app, every test client, the dependencies of every endpoint."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, NamedTuple

OPTIONS: dict[str, dict[str, Any]] = {
    "alone": {},
    "lifespans": {},
    "tasks": {},
    "watch": {"watch": True},
}
"""The variants, each with what it gives to `add_tasks`."""

MODES = ("immediate", "after_route", "after_response")

SETTLE = 5
"""How many seconds the tasks of a test may still take when it has ended."""

recorders: list[Any] = []
"""The recorder of every app that was made."""


class Variant(NamedTuple):
    """One way to run a suite: with ours, or what ours is compared to."""

    suite: str
    name: str
    ours: bool

    @classmethod
    def parse(cls, text: str) -> Variant:
        """Read what `str` wrote."""
        suite, name, whose = text.split()
        return cls(suite, name, whose == "ours")

    def __str__(self) -> str:
        return f"{self.suite} {self.name} {'ours' if self.ours else 'plain'}"

    @property
    def changes(self) -> dict[str, Callable[[Any], None]]:
        """What to change in which module once it is imported."""
        changes: dict[str, Callable[[Any], None]] = {}
        if self.name != "alone":
            changes["starlette.testclient"] = self._change_test_clients
        if self.suite == "starlette" and self.ours:
            changes["starlette.applications"] = self._record_apps
        if self.suite == "fastapi":
            changes["fastapi.applications"] = self._change_apps
        return changes

    def _change_test_clients(self, module: Any) -> None:
        from company_lifespans import around_test_clients

        around_test_clients(module)

    def _record_apps(self, module: Any) -> None:
        def record(app: Any) -> None:
            import fastapi_tasks

            recorders.append(fastapi_tasks.record(app, **OPTIONS[self.name]))

        after_init(module.Starlette, record)

    def _change_apps(self, module: Any) -> None:
        def change(app: Any) -> None:
            if self.ours:
                import fastapi_tasks

                recorders.append(fastapi_tasks.add_tasks(app, **OPTIONS[self.name]))

        if self.name != "alone":
            from company_lifespans import around_calls

            around_calls(module.FastAPI)
        if self.name == "tasks":
            add_dependency(module.FastAPI, self.ours)
        after_init(module.FastAPI, change)


def after_init(made: Any, change: Callable[[Any], None]) -> None:
    """Let every new object of this class be changed."""
    init = made.__init__

    @wraps(init)
    def changing(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        change(self)

    made.__init__ = changing


def add_dependency(made: Any, ours: bool) -> None:
    """Let every endpoint schedule tasks in each mode; or, not ours, depend on something alike."""
    init = made.__init__

    @wraps(init)
    def with_dependency(self: Any, *args: Any, **options: Any) -> None:
        from company_dependencies import nothing, schedule
        from fastapi import Depends

        more = [*(options.pop("dependencies", None) or ()), Depends(schedule if ours else nothing)]
        init(self, *args, dependencies=more, **options)

    made.__init__ = with_dependency


def lost() -> list[str]:
    """Return each task scheduled since the last call that did not run to its end, ours only."""
    found = []
    for recorder in recorders:
        if not recorder.timelines:
            continue
        with suppress(TimeoutError):  # what is open then has no outcome
            recorder.wait_settled(SETTLE)
        for timeline in recorder.timelines:
            fine = ("ok", "discarded") if timeline.error else ("ok",)
            found += [
                f"{task.name} {task.mode} of {timeline.title}: {task.outcome}"
                for task in timeline.tasks
                if task.mode in MODES and task.outcome not in fine
            ]
        recorder.clear()
    return found
