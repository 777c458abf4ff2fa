"""Which tests of the suites differ with ours, and why that is right."""

from __future__ import annotations

OWN_SPANS = "each task is a span of its own, and the test counts all spans of the process"
ONE_TRACER = "it counts how often a tracer is asked for, and ours asks once where tasks run"
STANDS_IN = "it looks for functions of FastAPI's that were replaced, and watching replaces some"
NO_APP = "the test calls a route without its app, so nobody could run tasks: Tasks says so"

OTLP = "tests/test_telemetry/test_runtime.py::test_real_otlp_export_and_repeated_lifespans"
TRACER = "tests/test_telemetry/test_tracer.py::test_tracer_lookup_preserves_warning_deduplication"
FRONTEND = "test_frontend_dependency_restores_existing_dependency_stacks"

WITH_TASKS = {
    f"{OTLP}[environment-]": OWN_SPANS,
    f"{OTLP}[environment-/collector/]": OWN_SPANS,
    f"{OTLP}[explicit-]": OWN_SPANS,
    f"{OTLP}[explicit-/collector/]": OWN_SPANS,
    "tests/test_telemetry/test_integrations.py"
    "::test_logfire_global_provider_without_fastapi_instrumentor": OWN_SPANS,
    "tests/test_tutorial/test_opentelemetry/test_tutorial003.py"
    "::test_disable_operation_spans_example": OWN_SPANS,
    f"{TRACER}[http-True]": ONE_TRACER,
    f"{TRACER}[websocket-True]": ONE_TRACER,
    f"tests/test_frontend.py::{FRONTEND}[asyncio]": NO_APP,
    f"tests/test_frontend.py::{FRONTEND}[trio]": NO_APP,
}

NATIVE = "tests/test_telemetry/test_native_integrations.py"

WATCHED = {
    f"{NATIVE}::test_logfire_native_spans_and_exception_logs": STANDS_IN,
    f"{NATIVE}::test_sentry_standard_log_processor[True]": STANDS_IN,
    f"{NATIVE}::test_sentry_standard_log_processor[False]": STANDS_IN,
}

DIFFERENT = {
    ("fastapi", variant, test): reason
    for variant, tests in {"tasks": WITH_TASKS, "watch": WATCHED}.items()
    for test, reason in tests.items()
}
"""The suite, the variant and the test; and the reason."""

UNFIT = {
    ("starlette", variant): [
        # Its middleware takes the first message of a lifespan for itself: it never starts.
        "tests/middleware/test_body_limit.py::test_starlette_limit_applies_before_user_middleware"
    ]
    for variant in ("lifespans", "watch")
}
"""What no app can pass in a variant, since it hangs there without ours as well."""
