"""Datadog's ddtrace: the spans that it would have sent to its agent."""

from __future__ import annotations

import ddtrace.auto  # noqa: F401
from ddtrace.trace import Span, TraceFilter, tracer

from tests.company.shop import Lines, Shop

TAGS = ("component", "error.type", "error.message", "http.method", "http.route", "http.status_code",
        "http.url", "language", "span.kind")  # fmt: skip


class Kept(TraceFilter):
    """Keeps each trace, and leaves nothing of it to send."""

    spans: list[Span] = []  # noqa: RUF012

    def process_trace(self, trace: list[Span]) -> list[Span] | None:
        self.spans += trace
        return None


def see_auto(shop: Shop) -> dict[str, Lines]:
    tracer.configure(trace_processors=[Kept()])
    shop.run()
    tracer.flush()  # type: ignore[no-untyped-call]
    return {"spans": [_described(span) for span in Kept.spans]}


def _described(span: Span) -> str:
    parents = {one.span_id: one for one in Kept.spans}
    above = parents.get(span.parent_id or 0)
    parent = f"{above.name} {above.resource}" if above else None
    tags = {name: span.get_tag(name) for name in TAGS}
    told = f"{span.name} {span.resource} < {parent} {span.service} {span.span_type} {span.error}"
    return f"{told} {tags}"
