from __future__ import annotations

import asyncio
import contextvars
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from fastapi_tasks import Recorder
from fastapi_tasks.watch import hook, telemetry_source, threads
from fastapi_tasks.watch.here import begin, here, leaf
from fastapi_tasks.watch.telemetry_source import LONGEST_NAME, MOST_OPEN, attach

from .servers import ROOT
from .watching import assert_in_time, tree, watched


class Apps:
    """An SDK as an app configures it for itself, not known to anybody else in this process."""

    def __init__(self, **options: Any) -> None:
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        self.exporter = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("shop")
        attach(self.provider)

    @property
    def exported(self) -> list[str]:
        return [span.name for span in self.exporter.get_finished_spans()]


@pytest.fixture
def apps() -> Apps:
    return Apps()


def work(name: str) -> None:
    opened = leaf(name, "redis")
    assert opened is not None
    opened.end()


def test_spans_nest_with_each_other_and_with_what_others_drew(apps: Apps) -> None:
    with watched(task=7) as timeline:
        outer = begin("get_db", "dependency")
        assert outer is not None
        with apps.tracer.start_as_current_span("charge"):
            work("GET")
            call = begin("POST payments", "http")
            assert call is not None
            with apps.tracer.start_as_current_span("sign", attributes={"key": "secret"}):
                work("SET")
            call.end()
        work("DEL")
        outer.end()
        assert here.get() is not None

    assert tree(timeline) == [
        "dependency get_db",
        "  telemetry charge",
        "    redis GET",
        "    http POST payments",
        "      telemetry sign",
        "        redis SET",
        "  redis DEL",
    ]
    assert_in_time(timeline)
    assert {span.task for span in timeline.spans} == {7}
    drawn = [span for span in timeline.spans if span.kind == "telemetry"]
    assert [span.attributes for span in drawn] == [{"scope": "shop"}] * 2
    assert apps.exported == ["sign", "charge"]


def test_spans_that_are_not_made_current_stand_beside_each_other(apps: Apps) -> None:
    with watched() as timeline:
        first = apps.tracer.start_span("first")
        second = apps.tracer.start_span("second")
        first.end()
        second.end()
        work("GET")

    assert tree(timeline) == ["telemetry first", "telemetry second", "redis GET"]


def test_a_span_may_end_elsewhere_than_it_began(apps: Apps) -> None:
    with watched() as timeline:
        place = here.get()
        span = apps.tracer.start_span("stream")
        copied = contextvars.copy_context()
        ender = threading.Thread(target=span.end)
        ender.start()
        ender.join()
        # Neither this code nor what was started meanwhile is inside of it any more.
        work("GET")
        copied.run(work, "SET")
        inside = apps.tracer.start_span("inside")
        copied.run(inside.end)
        work("DEL")
        here.set(place)

    assert tree(timeline) == [
        "telemetry stream",
        "redis GET",
        "redis SET",
        "telemetry inside",
        "redis DEL",
    ]
    assert all(span.end is not None for span in timeline.spans)


def test_a_span_that_outlives_its_request_is_open_until_it_ends(apps: Apps) -> None:
    with watched() as timeline:
        span = apps.tracer.start_span("export")

    assert tree(timeline) == ["telemetry export …"]
    span.end()
    assert tree(timeline) == ["telemetry export"]


def test_spans_of_tasks_and_threads_are_where_these_are(apps: Apps) -> None:
    async def step(name: str) -> None:
        with apps.tracer.start_as_current_span(name):
            await asyncio.sleep(0)
            await asyncio.to_thread(work, name.upper())

    async def use() -> None:
        threads.install()
        with watched() as timeline:
            await asyncio.gather(step("a"), step("b"))
        assert sorted(tree(timeline, without="pool")[::3]) == ["telemetry a", "telemetry b"]
        assert sorted(tree(timeline, without="pool")[2::3]) == ["    redis A", "    redis B"]
        assert tree(timeline, without="pool")[1::3] == ["  thread work"] * 2

    asyncio.run(use())


def test_times_are_those_of_the_recorders_clock(apps: Apps) -> None:
    with watched(Recorder(clock=count(1000).__next__)) as timeline:
        span = apps.tracer.start_span("charge", start_time=1)
        span.end(end_time=10**18)

    (drawn,) = timeline.spans
    assert (drawn.start, drawn.end) == (1001, 1002)


def test_errors_are_told_by_their_type_alone(apps: Apps) -> None:
    class PaymentError(Exception):
        pass

    def failing(error: Exception) -> None:
        with pytest.raises(type(error)), apps.tracer.start_as_current_span("a"):
            raise error

    with watched() as timeline:
        failing(KeyError("secret"))
        failing(PaymentError("secret"))
        with apps.tracer.start_as_current_span("a") as span:
            span.set_status(trace.Status(trace.StatusCode.ERROR, "secret"))
        with apps.tracer.start_as_current_span("a") as span:
            span.set_attribute("error.type", "ssl.SSLError")
            span.set_status(trace.StatusCode.ERROR)
        with apps.tracer.start_as_current_span("a") as span:
            span.set_attribute("error.type", "the secret is hunter2")
            span.set_status(trace.StatusCode.ERROR)
        with apps.tracer.start_as_current_span("a") as span:
            span.record_exception(KeyError("handled"))

    found = [span.error for span in timeline.spans]
    assert found == ["KeyError", "PaymentError", "error", "SSLError", "error", None]


def test_a_name_is_the_last_one_given_and_harmless(apps: Apps) -> None:
    with watched() as timeline:
        span = apps.tracer.start_span("GET")
        span.update_name("GET \x1b[31m" + "x" * 200)
        span.end()

    (drawn,) = timeline.spans
    assert drawn.name.startswith("GET \\x1b[31mx")
    assert len(drawn.name) < LONGEST_NAME + 10


@pytest.mark.parametrize(
    ("scope", "is_drawn"),
    [
        ("shop", True),
        ("logfire", True),
        ("opentelemetry.instrumentation.botocore.s3", True),
        ("opentelemetry.instrumentation.asyncpg", True),
        ("", True),
        ("fastapi", False),
        ("fastapi_tasks", False),
        ("opentelemetry.instrumentation.fastapi", False),
        ("opentelemetry.instrumentation.asgi", False),
        ("opentelemetry.instrumentation.sqlalchemy", False),
        ("opentelemetry.instrumentation.httpx", False),
        ("opentelemetry.instrumentation.redis", False),
    ],
)
def test_what_hooks_of_ours_record_is_not_drawn_again(
    apps: Apps, scope: str, is_drawn: bool
) -> None:
    with watched() as timeline:
        # Inside of what is not drawn, the others are where it is.
        outer = apps.provider.get_tracer(scope).start_as_current_span("outer")
        with outer, apps.tracer.start_as_current_span("inner"):
            pass
        statement = leaf("SELECT orders", "sql")
        driver = apps.provider.get_tracer("opentelemetry.instrumentation.asyncpg")
        driver.start_span("in a statement").end()
        assert statement is not None
        statement.end()
        driver.start_span("without one").end()

    both = ["telemetry outer", "  telemetry inner"] if is_drawn else ["telemetry inner"]
    assert tree(timeline) == [*both, "sql SELECT orders", "telemetry without one"]


def test_what_a_sampler_drops_is_absent_and_changes_nothing_else() -> None:
    apps = Apps(sampler=ALWAYS_OFF)
    with watched() as timeline, apps.tracer.start_as_current_span("charge"):
        work("GET")

    assert tree(timeline) == ["redis GET"]


def test_ten_thousand_spans_are_bounded_and_counted(apps: Apps) -> None:
    recorder = Recorder(max_spans=100)
    with watched(recorder) as timeline:
        for number in range(10_000):
            with apps.tracer.start_as_current_span(f"span {number}"):
                pass
        left_open = [apps.tracer.start_span("open") for _ in range(MOST_OPEN + 10)]
        for span in left_open:
            span.end()

    assert len(timeline.spans) <= 112
    assert timeline.spans_dropped + len(timeline.spans) == 10_000 + len(left_open)
    assert timeline.spans[-1].name == "open"
    assert timeline.spans[-1].end is not None
    assert len(apps.exported) == 10_000 + len(left_open)


def test_no_more_open_spans_are_held_than_a_bound() -> None:
    source = telemetry_source._processor()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(source)
    tracer = provider.get_tracer("shop")
    with watched():
        spans = [tracer.start_span("never ended") for _ in range(MOST_OPEN + 10)]
        assert len(source._open) == MOST_OPEN
        for span in spans:
            span.end()
        assert not source._open


def test_a_fault_of_ours_never_reaches_the_app(
    apps: Apps, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(hook, "_failed", set())
    with watched() as timeline:
        monkeypatch.setattr(telemetry_source, "leaf_of", broken)
        with apps.tracer.start_as_current_span("a"), apps.tracer.start_as_current_span("b"):
            pass
        monkeypatch.undo()
        monkeypatch.setattr(telemetry_source, "_error_type", broken)
        with apps.tracer.start_as_current_span("c"):
            pass

    assert apps.exported == ["b", "a", "c"]
    assert tree(timeline) == ["telemetry c …"]
    assert len(caplog.records) == 2


def test_outside_of_requests_spans_pass_undrawn(apps: Apps) -> None:
    start = apps.tracer.start_as_current_span
    with start("at start"), watched() as timeline, start("in a request"):
        pass
    assert tree(timeline) == ["telemetry in a request"]
    assert apps.provider.force_flush()
    apps.provider.shutdown()


def test_attaching_again_draws_once(apps: Apps) -> None:
    attach(apps.provider)
    with watched() as timeline, apps.tracer.start_as_current_span("a"):
        pass

    assert tree(timeline) == ["telemetry a"]
    attach(trace.NoOpTracerProvider())
    attach(None)


def test_a_provider_that_compares_by_its_fields_is_attached_once_as_well() -> None:
    """Logfire's does, so it has no hash."""

    @dataclass
    class Proxy:
        provider: TracerProvider

        def add_span_processor(self, processor: Any) -> None:
            self.provider.add_span_processor(processor)

    proxy = Proxy(TracerProvider(shutdown_on_exit=False))
    attach(proxy)
    attach(proxy)
    with watched() as timeline, proxy.provider.get_tracer("shop").start_as_current_span("a"):
        pass

    assert tree(timeline) == ["telemetry a"]


def test_a_provider_that_calls_processors_in_threads_goes_on_as_before() -> None:
    threads.install()
    apps = Apps(active_span_processor=ConcurrentMultiSpanProcessor(2))
    with watched() as timeline, apps.tracer.start_as_current_span("a"):
        pass

    assert apps.exported == ["a"]
    assert timeline.spans == []
    apps.provider.shutdown()


def test_the_apps_own_provider_is_found_whenever_it_is_set() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.served.telemetry_source"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "imported without the app": [],
        "before it is set": [],
        "after it is set": ["telemetry b"],
        "exported": ["b", "c"],
        "set by us": False,
    }
