"""The playground as a web page: a form, and the timeline of a request with what it says."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from anyio import Lock
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import ValidationError

from fastapi_tasks.timeline import SCHEDULED_MODES
from visualize.lab import serve
from visualize.live.guard import SAFE, Guard, guarded
from visualize.page import to_html

from .experiment import KINDS, ROWS, SLIDER, START, Experiment, Step, make_app, run, verdict

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def make_guard() -> Guard:
    """Make the guard of the page: its `address` follows the server's in the URL."""
    return Guard("", what="The playground", advice="It has nothing to show elsewhere.", logs=False)


def make_page(guard: Guard | None = None) -> FastAPI:
    """Make the app that serves the playground; what is tried runs on a server of its own."""
    app = FastAPI(
        title="Playground", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None,
    )  # fmt: skip
    app.router.route_class = guarded(guard or make_guard())

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(_form(START), headers={**SAFE, "Content-Security-Policy": POLICY})

    @app.get("/playground.css")
    async def style() -> Response:
        return Response(_asset("playground.css"), media_type="text/css")

    @app.get("/playground.js")
    async def script() -> Response:
        return Response(_asset("playground.js"), media_type="text/javascript")

    @app.get("/timeline")
    async def timeline(request: Request) -> Response:
        try:
            experiment = _read(request.query_params.multi_items())
        except ValidationError as error:
            first = error.errors()[0]
            words = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            return PlainTextResponse(f"This cannot be tried. {words}", 422)
        # One at a time, so that they do not disturb each other.
        async with app.state.turn:
            recorded = await run(app.state.lab, experiment)
        return HTMLResponse(to_html(recorded, title=verdict(recorded)))

    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with serve(make_app()) as lab:
        app.state.lab = lab
        app.state.turn = Lock()
        await lab.warm_up("POST", "/try", json=START.model_dump())
        yield


def _read(items: Iterable[tuple[str, str]]) -> Experiment:
    """Read the form: each `mode` begins a task, an empty one is left out."""
    fields: dict[str, object] = {}
    tasks: list[dict[str, object]] = []
    target: dict[str, object] = fields
    for name, value in items:
        if name == "mode":
            target = {"mode": value}
            tasks.append(target)
        else:
            target[name] = value
    return Experiment.model_validate(fields | {"tasks": [task for task in tasks if task["mode"]]})


def _form(experiment: Experiment) -> str:
    rows = [_endpoint(experiment)]
    for number in range(1, ROWS + 1):
        step = experiment.tasks[number - 1] if number <= len(experiment.tasks) else None
        rows.append(_task(number, step))
    return _asset("page.html").replace("{rows}", "\n".join(rows))


def _endpoint(experiment: Experiment) -> str:
    kinds = {kind: words for kind, words in KINDS.items() if kind != "thread"}
    return _row(
        "Endpoint",
        _select("endpoint", "kind", kinds, experiment.kind), _slider("endpoint", experiment.ms),
    )  # fmt: skip


def _task(number: int, step: Step | None) -> str:
    modes: dict[str, str] = {"": "off"} | {mode: mode for mode in SCHEDULED_MODES}
    shown = step or Step(mode="immediate", kind="blocks", ms=50)
    name = f"task {number}"
    return _row(
        name.capitalize(),
        _select(name, "mode", modes, step.mode if step else ""),
        _select(name, "kind", KINDS, shown.kind),
        _slider(name, shown.ms),
    )  # fmt: skip


def _row(title: str, *controls: str) -> str:
    return f"<fieldset><legend>{title}</legend>{''.join(controls)}</fieldset>"


def _select(owner: str, field: str, choices: Mapping[Any, str], chosen: str) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == chosen else ""}>{html.escape(words)}'
        for value, words in choices.items()
    )
    return (
        f'<select name="{field}" class="{field}" aria-label="{owner}: {field}">{options}</select>'
    )


def _slider(owner: str, ms: int) -> str:
    return (
        '<label class="duration"><span class="hidden">' + owner + ": milliseconds</span>"
        f'<input type="range" name="ms" min="0" max="{SLIDER}" step="5" value="{ms}">'
        f"<output>{ms} ms</output></label>"
    )


@cache
def _asset(name: str) -> str:
    return files("visualize").joinpath("playground", name).read_text("utf-8")
