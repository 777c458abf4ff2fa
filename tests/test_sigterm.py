"""S1 and S1a where a process manager ends the process: what it is told, and what still runs."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import signal
from collections.abc import Iterator

import pytest

from fastapi_tasks import add_tasks

from .servers import EVENT_LOOPS, NORMAL_EXIT, Server, running

GUNICORN = pytest.mark.skipif(
    importlib.util.find_spec("uvicorn_worker") is None, reason="gunicorn is not installed"
)


def shutdown_lines(server: Server) -> list[str]:
    """Return what was logged of the shutdown."""
    return [line for line in server.output.splitlines() if line.startswith("shutdown:")]


class TestS1AStartOfTheShutdown:
    @pytest.mark.parametrize("kind", EVENT_LOOPS)
    def test_is_told_with_what_is_waited_for_and_how_long_at_most(self, kind: str) -> None:
        with running(kind, "shutdown:strict") as server:
            server.client.post("/work")
            server.terminate()
            assert server.exit_code() == NORMAL_EXIT[kind]
        first = shutdown_lines(server)[0]
        for name in ("unshielded", "shielded", "stubborn", "sleep_forever", "sleep"):
            assert re.search(rf"\b{name}\b", first), first
        assert "0.8 s" in first
        lines = server.output.splitlines()
        assert lines.index(first) < lines.index("app: unshielded ended, database open")

    @pytest.mark.parametrize("kind", EVENT_LOOPS)
    def test_is_told_once_also_where_all_is_done_in_time(self, kind: str) -> None:
        with running(kind, "shutdown:patient") as server:
            server.client.post("/work")
            server.terminate()
            assert server.exit_code() == NORMAL_EXIT[kind]
        (only,) = shutdown_lines(server)
        assert "mail" in only
        assert "60 s" in only


class TestS1aCancelledMeansItDidNotRun:
    @pytest.mark.parametrize("kind", EVENT_LOOPS)
    def test_no_queued_function_is_called_once_the_grace_is_over(self, kind: str) -> None:
        with running(kind, "shutdown:backlog") as server:
            server.client.post("/work")
            for number in range(4):
                server.wait_for(f"picks order {number}")
            server.terminate()
            assert server.exit_code() == NORMAL_EXIT[kind]
        picked = {f"order {number}" for number in range(4)}
        assert {line for line in server.said if line.startswith("picks")} == {
            f"picks {order}" for order in picked
        }
        after = server.said[server.said.index("shutdown begins") + 1 :]
        expected = {f"{name} ended, database open" for name in (*picked, "unshielded")}
        assert set(after[:-1]) == expected
        assert after[-1] == "database closed"
        # Each is named; those in their threads are told apart from those that never ran.
        named = {
            word: set(re.findall(r"order \d+", line))
            for line in shutdown_lines(server)
            for word in ("cancelled", "in a thread")
            if f"shutdown: {word}" in line
        }
        queued = {f"order {number}" for number in range(4, 64)}
        assert named == {"cancelled": queued, "in a thread": picked}


@GUNICORN
@pytest.mark.slow
class TestS1Gunicorn:
    @pytest.fixture
    def server(self) -> Iterator[Server]:
        with running("gunicorn", "shutdown:long") as server:
            server.client.post("/work")
            yield server

    def assert_ended_by_itself(self, server: Server) -> None:
        """Fail if anything of the app's shutdown did not happen, or if gunicorn ended it."""
        assert server.said[server.said.index("shutdown begins") + 1 :][:1] == ["database closed"]
        first, cancelled, abandoned = shutdown_lines(server)
        for name in ("settlement", "invoices", "newsletter"):
            assert name in first
        assert "2.5 s" in first
        assert "newsletter" in cancelled
        assert "settlement" in abandoned
        assert "invoices" in abandoned
        assert "Application shutdown complete." in server.output
        assert "was sent SIG" not in server.output.replace("was sent SIGTERM", "")

    def test_each_abandoned_task_is_named_before_it_would_kill(self, server: Server) -> None:
        server.terminate()
        assert server.exit_code() == NORMAL_EXIT["gunicorn"]
        self.assert_ended_by_itself(server)

    def test_a_reload_ends_the_old_worker_in_the_same_way(self, server: Server) -> None:
        server.signal(signal.SIGHUP)
        server.wait_for("database closed")
        server.terminate()
        assert server.exit_code() == NORMAL_EXIT["gunicorn"]
        self.assert_ended_by_itself(server)

    def test_its_default_leaves_time_for_ours(self) -> None:
        config = importlib.import_module("gunicorn.config")
        ours = inspect.signature(add_tasks).parameters["shutdown_timeout"].default
        assert ours == 25
        assert ours < config.GracefulTimeout.default == 30
