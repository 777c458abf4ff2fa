"""Make the pages and pictures of the site that come out of the code, each time it is built."""

from __future__ import annotations

import argparse
import inspect
import os
import shutil
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from sphinx.pycode import ModuleAnalyzer

from fastapi_tasks import Timeline
from visualize import lab, to_html
from visualize.checkout import app as checkout
from visualize.cli.main import COMMANDS, parser

from .house import house
from .lessons import copy_lessons
from .moving import moving

DOCS = Path(__file__).parent
ROOT = DOCS.parent
MADE = DOCS / "made"

REFERENCE = {
    "fastapi_tasks": "Scheduling and recording",
    "fastapi_tasks.tasks": "Names for annotations",
    "fastapi_tasks.errors": "Errors",
    "visualize": "Pictures and answers",
    "visualize.lab": "The lab: an app on a real server",
    "visualize.live": "The live page",
    "visualize.playground": "The playground",
}
"""The modules that are public, each with the title of its page."""


def make_all() -> None:
    """Make all of it anew."""
    shutil.rmtree(MADE, ignore_errors=True)
    (MADE / "reference").mkdir(parents=True)
    for module, title in REFERENCE.items():
        page = MADE / "reference" / f"{module}.md"
        page.write_text(reference(module, title), encoding="utf-8")
    (MADE / "command_line.md").write_text(command_line(), encoding="utf-8")
    (MADE / "house.svg").write_text(house(), encoding="utf-8")
    timelines = recorded()
    (MADE / "moving.svg").write_text(moving(timelines[0]), encoding="utf-8")
    frames = DOCS / "_static" / "frames"
    shutil.rmtree(frames, ignore_errors=True)
    frames.mkdir(parents=True)
    (frames / "checkout.html").write_text(to_html(timelines, title="Checkout"), encoding="utf-8")
    copy_lessons(DOCS / "notebooks", frames)


def recorded(crowd: int = 3) -> list[Timeline]:
    """Let one customer check out on a real server, then several."""
    with lab.serve(checkout, quiet=True) as server:

        def buy(number: int) -> None:
            customer = {"cart_id": str(number), "email": f"customer{number}@example.org"}
            server.timeline(server.post("/checkout", params=customer))

        server.warm_up("POST", "/checkout", params={"cart_id": 0, "email": "a@example.org"})
        server.recorder.clear()
        for number in range(1, crowd + 1):
            buy(number)
        return server.timelines


def public(module: str) -> list[str]:
    """Return the public names of a module."""
    found = import_module(module)
    names: Iterable[str] = getattr(found, "__all__", None) or [
        name for name, value in vars(found).items() if getattr(value, "__module__", "") == module
    ]
    return [name for name in names if name != "__version__"]


def reference(module: str, title: str) -> str:
    """Write the page of a module: every public name, by its docstring."""
    lines = [f"# {title}", "", f"`{module}`", "", "```{eval-rst}"]
    already = public("fastapi_tasks") if module.startswith("fastapi_tasks.") else []
    values = {name: getattr(import_module(module), name) for name in public(module)}
    for name in sorted(values, key=lambda name: not inspect.isroutine(values[name])):
        if name in already:
            continue
        lines += ["", *_directive(f"{module}.{name}", values[name])]
    lines += ["```", ""]
    if both := [name for name in public(module) if name in already]:
        lines += [
            "",
            f"{', '.join(f'`{name}`' for name in both)} are here too, as in `fastapi_tasks`.",
        ]
    return "\n".join([*lines, ""])


def _directive(path: str, value: Any) -> list[str]:
    if inspect.isclass(value) and issubclass(value, BaseException):
        return [f".. autoexception:: {path}"]
    if inspect.isclass(value):
        # pydantic's own setting is no part of what a model is for.
        return [f".. autoclass:: {path}", "   :members:", "   :exclude-members: model_config"]
    if inspect.isroutine(value):
        return [f".. autofunction:: {path}"]
    said = _said_below(path.rpartition(".")[2])
    return [f".. autodata:: {path}", "   :no-value:", "", *(f"   {line}" for line in said)]


def _said_below(name: str) -> list[str]:
    """Return the docstring below the line that gives this name its value, wherever that is."""
    for module in sorted(one for one in sys.modules if one.startswith("fastapi_tasks.")):
        found = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name))
        if found is not None:
            return found
    return []


def command_line() -> str:
    """Write what each command says of itself."""
    os.environ["COLUMNS"], os.environ["NO_COLOR"] = "88", "1"
    top = parser()
    lines = ["# The command line", ""]
    lines += ["`fastapi-tasks-timeline`, `tasks-timeline` for short, and `python -m visualize`"]
    lines += ["are the same.", "", "```text", top.format_help().rstrip(), "```"]
    for name in COMMANDS:
        lines += [
            "",
            f"## {name}",
            "",
            "```text",
            _commands(top)[name].format_help().rstrip(),
            "```",
        ]
    return "\n".join([*lines, ""])


def _commands(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (found,) = (
        action.choices for action in top._actions if isinstance(action, argparse._SubParsersAction)
    )
    return dict(found)
