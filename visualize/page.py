"""The viewer as a document: one HTML file with everything in it, or the page of a running app."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from fastapi_tasks.timeline import MODES
from visualize.columns import FORMAT, pack
from visualize.layout import Recording, listed, one_of
from visualize.theme import COLORS, ink
from visualize.words import SPAN_WORDS

Align = Literal["clock", "request_start", "response_sent"]

INKED = (*MODES, "endpoint", "busy")
"""The fills that text stands on."""

LIVE_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
<div id="timeline" hidden>
{markup}</div>
<noscript>This timeline is drawn by a script, and scripts are switched off here.</noscript>
<script type="application/json" id="timeline-data">{data}</script>
{script}
</body>
</html>
"""


def to_html(
    timelines: Recording | Mapping[str, Recording],
    *,
    title: str | None = None,
    align: Align | None = None,
) -> str:
    """Return timelines as one HTML document that needs nothing else, and no network.

    A mapping from labels to recordings compares them on one time axis. `align` puts each request
    where the clock says (the default for one recording), or all of them at their start (the
    default for several) or where their response was sent. Raises TypeError for what is no
    timeline, ValueError for another `align`.
    """
    recordings = timelines if isinstance(timelines, Mapping) else {"": timelines}
    packed = [
        {"label": label, "packed": pack(listed(recording))}
        for label, recording in recordings.items()
    ]
    align = align or ("request_start" if len(packed) > 1 else "clock")
    one_of("align", align, get_args(Align))
    script = f'<script type="module">{asset("timeline.js")}</script>'
    return _page(title, script, _file_policy(), align=align, recordings=packed)


def live_html(
    events: str,
    *,
    script: str = "timeline.js",
    title: str | None = None,
    limit: int = 1000,
) -> str:
    """Return the page of a running app, which follows the server-sent events at `events`.

    `script` is where the app serves `asset("timeline.js")`; both are URLs of the page's own
    origin, relative to the page or not. Above `limit` requests the page lets the oldest go.
    """
    source = f'<script type="module" src="{html.escape(script)}"></script>'
    empty = [{"label": ""}]
    return _page(
        title, source, LIVE_POLICY, align="clock", recordings=empty, events=events, limit=limit
    )


@cache
def asset(name: str) -> str:
    """Return the text of a file of the viewer, such as `timeline.js`."""
    return files("visualize").joinpath("viewer", name).read_text("utf-8")


def _page(title: str | None, script: str, policy: str, **data: Any) -> str:
    title = title or "Timeline"
    data |= {
        "title": title,
        "format": FORMAT,
        "spans": SPAN_WORDS,
        "policy": _file_policy(),
        "style": _style(),
    }
    return PAGE.format(
        policy=policy,
        title=html.escape(title),
        markup=asset("timeline.html"),
        # In a script element only `<` could end it or change how it is read.
        data=json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
        script=script,
    )


@cache
def _style() -> str:
    """The looks, and the colours of each theme as custom properties."""
    looks = asset("timeline.css").replace("\t", "")  # in JSON, each would take two bytes
    return "".join(_theme(*theme) for theme in COLORS.items()) + looks


def _theme(name: str, colors: Mapping[str, str]) -> str:
    inks = {f"ink-{name}": ink(colors[name]) for name in INKED}
    tokens = "".join(f"--{token}:{color};" for token, color in {**colors, **inks}.items())
    return f"[data-theme={name}]{{color-scheme:{name};{tokens}}}\n"


@cache
def _file_policy() -> str:
    """Only this very module may run, and nothing may be fetched."""
    digest = base64.b64encode(hashlib.sha256(asset("timeline.js").encode()).digest()).decode()
    return f"default-src 'none'; script-src 'sha256-{digest}'; img-src data:"
