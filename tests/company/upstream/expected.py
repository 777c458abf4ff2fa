"""Which tests of the suites differ with ours, and why that is right."""

from __future__ import annotations

OWN_SPANS = "each task is a span of its own, and the test counts all spans of the process"
NO_APP = "the test calls a route without its app, so nobody could run tasks: Tasks says so"

OTLP = "tests/test_telemetry/test_runtime.py::test_real_otlp_export_and_repeated_lifespans"
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
    f"tests/test_frontend.py::{FRONTEND}[asyncio]": NO_APP,
    f"tests/test_frontend.py::{FRONTEND}[trio]": NO_APP,
}

DIFFERENT = {("fastapi", "tasks", test): reason for test, reason in WITH_TASKS.items()}
"""The suite, the variant and the test; and the reason."""
