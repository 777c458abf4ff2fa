"""Logfire: its spans, with the arguments of each endpoint."""

from __future__ import annotations

import re

import logfire
from logfire.testing import TestExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.company.shop import Lines, Shop

from .spans import described

# When, the caller's line in this repository, the schedulers themselves, a traceback that names our
# frames too, and a hash over it.
LEAVE_OUT = re.compile(r"timestamp|stacktrace|fingerprint|^code\.|\bvalues$")


def configure() -> TestExporter:
    exporter = TestExporter()
    logfire.configure(
        send_to_logfire=False,
        console=False,
        metrics=False,
        inspect_arguments=False,
        additional_span_processors=[SimpleSpanProcessor(exporter)],
    )
    return exporter


def see_instrument_fastapi(shop: Shop) -> dict[str, Lines]:
    exporter = configure()
    shop.run(lambda app: logfire.instrument_fastapi(app, capture_headers=True, extra_spans=True))
    return finished(exporter)


def see_configure_only(shop: Shop) -> dict[str, Lines]:
    """Configured and nothing else: what FastAPI itself traces."""
    exporter = configure()
    shop.run()
    return finished(exporter)


def finished(exporter: TestExporter) -> dict[str, Lines]:
    spans = (
        span
        for span in exporter.exported_spans
        if (span.attributes or {}).get("logfire.span_type") != "pending_span"
    )
    return described(spans, LEAVE_OUT)
