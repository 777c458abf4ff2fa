"""S1a where no thread can be started: no call without its arguments, none after its failure.

The shortage is real: the process has not enough address space left for another stack.
"""

import sys

import pytest

from .servers import EVENT_LOOPS, NORMAL_EXIT, Server, running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's own")


def works_said(server: Server) -> list[str]:
    """Return what the functions said, in the order of their numbers."""
    said = (line for line in server.said if line.startswith("work "))
    return sorted(said, key=lambda line: int(line.split()[1]))


@pytest.mark.parametrize("idle", [False, True], ids=["no thread yet", "idle threads"])
@pytest.mark.parametrize("kind", EVENT_LOOPS)
class TestS1aShortageOfThreads:
    def test_fails_tasks_or_runs_them_later_and_the_pool_recovers(
        self, kind: str, idle: bool
    ) -> None:
        with running(kind, "shortage:app") as server:
            if idle:
                server.client.post("/two-meet")
                server.timeline("/two-meet")
            assert server.client.post("/works").status_code == 200
            server.wait_for("shortage: can't start new thread")
            server.client.post("/over")
            # All threads are there again, or these would wait for each other in vain.
            server.client.post("/all-meet")
            meetings = server.timeline("/all-meet").tasks
            assert [(task.outcome, task.error) for task in meetings] == [("ok", None)] * 4
            works = server.timeline("/works").tasks
            server.terminate()
            assert server.exit_code() == NORMAL_EXIT[kind]
        outcomes = [task.outcome for task in works]
        assert set(outcomes) <= {"ok", "error"}
        ran = [f"work {number}" for number, outcome in enumerate(outcomes) if outcome == "ok"]
        assert works_said(server) == ran
        if idle:
            assert outcomes == ["ok"] * 12

    def test_does_not_keep_the_process_from_its_end(self, kind: str, idle: bool) -> None:
        with running(kind, "shortage:app") as server:
            if idle:
                server.client.post("/two-meet")
                server.timeline("/two-meet")
            server.client.post("/works")
            server.wait_for("shortage: can't start new thread")
            server.terminate()
            assert server.exit_code() == NORMAL_EXIT[kind]
        assert server.said[-1] == "database closed"
        assert len(works_said(server)) == len(set(works_said(server)))
        assert "work -1" not in works_said(server)
