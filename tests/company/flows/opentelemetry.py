"""OpenTelemetry: `opentelemetry-instrumentation-fastapi`, and FastAPI's own telemetry."""

from __future__ import annotations

from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from tests.company.shop import Lines, Shop, answer_errors

from .spans import Telemetry


def telemetry() -> Telemetry:
    telemetry = Telemetry()
    trace.set_tracer_provider(telemetry.tracer_provider)
    metrics.set_meter_provider(telemetry.meter_provider)
    return telemetry


def see_instrument_app(shop: Shop) -> dict[str, Lines]:
    seen = telemetry()
    shop.run(FastAPIInstrumentor.instrument_app)
    return seen.saw


def see_app_that_answers_errors(shop: Shop) -> dict[str, Lines]:
    def integrate(app: FastAPI) -> None:
        answer_errors(app)
        FastAPIInstrumentor.instrument_app(app)

    seen = telemetry()
    shop.run(integrate)
    return seen.saw


def see_instrument(shop: Shop) -> dict[str, Lines]:
    """Every app that is made from then on is instrumented."""
    seen = telemetry()
    FastAPIInstrumentor().instrument()
    shop.run()
    return seen.saw


def see_uninstrument_app(shop: Shop) -> dict[str, Lines]:
    """Instrumented, and back again while the app serves."""
    seen = telemetry()
    shop.run(FastAPIInstrumentor.instrument_app, midway=FastAPIInstrumentor.uninstrument_app)
    return seen.saw


def see_fastapi_itself(shop: Shop) -> dict[str, Lines]:
    """A provider and nothing else: FastAPI's own spans."""
    seen = telemetry()
    shop.run()
    return seen.saw
