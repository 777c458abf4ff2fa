"""The viewer as a document: one HTML file with everything in it, or the page of a running app."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, get_args

from fastapi_tasks.timeline import MODES, Timeline
from visualize.answers.difference import Change, Shift, difference
from visualize.answers.findings import explain
from visualize.answers.wire import findings_json
from visualize.assets import asset, packed
from visualize.columns import FORMAT, pack
from visualize.layout import Recording, listed, one_of
from visualize.signs import GENERATOR
from visualize.theme import COLORS, ink
from visualize.words import SPAN_WORDS

INKED = (*MODES, "endpoint", "busy")
"""The fills that text stands on."""

PAGE_SPANS = {kind: said for kind, said in SPAN_WORDS.items() if said != (kind, f"{kind} {{}}")}
"""The words of spans that the page does not find by itself, from their kind."""

Align = Literal["clock", "request_start", "response_sent"]

LIVE_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{generator}
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
<main id="timeline" hidden></main>
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
    default for several) or where their response was sent. Raises TypeError for anything but
    timelines, ValueError for another `align`.
    """
    given = timelines if isinstance(timelines, Mapping) else {"": timelines}
    recordings = {label: listed(recording) for label, recording in given.items()}
    align = align or ("request_start" if len(recordings) > 1 else "clock")
    one_of("align", align, get_args(Align))
    told = [_told(label, recording) for label, recording in recordings.items()]
    more = {"changes": _changes(*recordings.values())} if len(recordings) == 2 else {}
    script, policy = _packed("compared.js" if len(recordings) > 1 else "file.js")
    return _page(title, script, policy, align=align, recordings=told, **more)


def live_html(
    events: str,
    *,
    script: str = "timeline.js",
    title: str | None = None,
    limit: int = 1000,
) -> str:
    """Return the page of a running app, which follows the server-sent events at `events`.

    `script` is where the app serves `asset("timeline.js")`, with `later.js` and `file.js` beside
    it; both are URLs of the page's own origin, relative to the page or not. Above `limit` requests
    the page lets the oldest go.
    """
    source = f'<script type="module" src="{html.escape(script)}"></script>'
    saved = _policy(asset("file.js"))
    return _page(
        title, source, LIVE_POLICY, align="clock", recordings=[{"label": ""}], events=events,
        limit=limit, policy=saved,
    )  # fmt: skip


@cache
def _packed(name: str) -> tuple[str, str]:
    """Return the elements of a script that travels packed, and the policy that lets it run."""
    code, first = base64.b64encode(packed(name)).decode(), asset("unpack.js")
    element = f'<script type="text/plain" id="timeline-code">{code}</script>'
    return f'{element}\n<script type="module">{first}</script>', _policy(asset(name), first)


@cache
def _policy(*scripts: str) -> str:
    """Only these very scripts may run, and nothing may be fetched."""
    hashes = [hashlib.sha256(script.encode()).digest() for script in scripts]
    sources = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in hashes)
    return f"default-src 'none'; script-src {sources}; img-src data:"


def _told(label: str, recording: list[Timeline]) -> dict[str, Any]:
    return {"label": label, "packed": pack(recording, findings_json(explain(recording)))}


def _changes(before: list[Timeline], after: list[Timeline]) -> list[dict[str, Any]]:
    """What changed from one recording to the other, what changed most first."""
    return [_change(change) for change in difference(before, after).changes]


def _change(change: Change) -> dict[str, Any]:
    verdicts = [shift.verdict for shift in change.shifts if not shift.noise]
    verdict = next(iter(verdicts), "noise")
    if change.before is None or change.after is None:
        verdict = "new" if change.before is None else "gone"
    return {
        "kind": change.kind,
        "name": change.name,
        "mode": change.mode,
        "before": change.before and change.before.n,
        "after": change.after and change.after.n,
        "verdict": verdict,
        "shifts": [_shift(shift) for shift in change.shifts],
    }


def _shift(shift: Shift) -> dict[str, Any]:
    return {
        "measure": shift.measure,
        "percent": shift.percent,
        "before": shift.before,
        "after": shift.after,
        "share": shift.share,
        "verdict": shift.verdict,
    }


def _embedded(data: object) -> str:
    """Write data as JSON that ends no element, and holds no character that controls anything."""
    written = json.dumps(data, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace("\x7f", "\\u007f")


@cache
def themes() -> str:
    """Return the colours of each theme as custom properties."""
    return "".join(_theme(*theme) for theme in COLORS.items())


def _theme(name: str, colors: Mapping[str, str]) -> str:
    inks = {f"ink-{name}": ink(colors[name]) for name in INKED}
    tokens = "".join(f"--{token}:{color};" for token, color in {**colors, **inks}.items())
    return f"[data-theme={name}]{{color-scheme:{name};{tokens}}}\n"


def _page(title: str | None, script: str, policy: str, /, **data: Any) -> str:
    title = title or "Timeline"
    data |= {
        "title": title,
        "format": FORMAT,
        "spans": PAGE_SPANS,
        "themes": themes(),
    }
    return PAGE.format(
        generator=GENERATOR,
        policy=policy,
        title=html.escape(title),
        # In a script element only `<` could end it or change how it is read.
        data=_embedded(data),
        script=script,
    )
