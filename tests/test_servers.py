"""What only a real server can show: *sent*, a client that leaves, SIGTERM."""

from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect

from .servers import EVENT_LOOPS, KINDS, NORMAL_EXIT, Server, running


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with running(request.param, "responses:app") as server:
        yield server
        server.terminate()
        assert server.exit_code() == NORMAL_EXIT[request.param]
        server.assert_no_trouble()


class TestT2AfterRoute:
    def test_runs_before_the_response_that_a_slow_middleware_holds_back(
        self, server: Server
    ) -> None:
        assert server.client.get("/slow").text == '"answer"'
        server.wait_for("server sent http.response.body of /slow")
        assert [line for line in server.said if "slow" in line or "audit" in line] == [
            "audit runs",
            "server sent http.response.start of /slow",
            "server sent http.response.body of /slow",
        ]
        timeline = server.timeline("/slow")
        (task,) = timeline.tasks
        assert timeline.endpoint_end is not None
        assert task.released is not None
        assert task.finished is not None
        assert timeline.response_start is not None
        assert timeline.endpoint_end <= task.released <= task.finished <= timeline.response_start


class TestT3AfterResponse:
    @pytest.mark.parametrize(
        "path", ["/plain", "/streamed", "/buffered/plain", "/buffered/streamed"]
    )
    def test_starts_when_the_client_can_have_all_of_the_answer(
        self, server: Server, path: str
    ) -> None:
        # The task holds the event loop from its first line on: what the client gets was sent.
        gate = f"mail of {path}"
        assert server.client.get(path, params={"gate": gate}).text == '"answer"'
        server.wait_for(f"{gate} begins")
        server.open(gate)
        server.wait_for(f"{gate} ends")
        timeline = server.timeline(path)
        (task,) = timeline.tasks
        assert task.released is not None
        if timeline.response_sent is None:
            # It announces a disconnect inside its send of the last part, after the bytes are out;
            # Starlette cancels that send, so nobody learns that the answer is whole.
            assert (server.kind, path) == ("hypercorn on trio", "/streamed")
            assert timeline.aborted
            return
        assert timeline.response_sent <= task.released
        assert [line for line in server.said if path in line.split()] == [
            f"server sent http.response.start of {path}",
            f"server sent http.response.body of {path}",
            f"{gate} begins",
            f"{gate} ends",
        ]


class TestT8ClientGone:
    @pytest.mark.parametrize("path", ["/endless", "/passing/endless"], ids=["", "BaseHTTP"])
    def test_tasks_run_when_the_client_leaves_in_the_middle_of_a_stream(
        self, server: Server, path: str
    ) -> None:
        with (
            httpx.Client(trust_env=False) as client,
            client.stream("GET", f"{server.url}{path}") as answer,
        ):
            assert next(answer.iter_raw()).startswith(b"more ")
        server.wait_for(f"note taken after the client of {path} left")
        timeline = server.timeline(path)
        assert (timeline.status, timeline.error, timeline.aborted) == (200, None, True)
        assert timeline.response_sent is None
        assert [task.outcome for task in timeline.tasks] == ["ok"]


class TestT9WebSocket:
    @pytest.mark.parametrize("end", ["server", "client"])
    def test_after_response_runs_when_either_side_has_closed_the_connection(
        self, server: Server, end: str
    ) -> None:
        path = f"/{end}-closes"
        with connect(f"{server.url.replace('http', 'ws')}{path}", proxy=None) as socket:
            assert socket.recv() == "hello"
            if end == "server":
                with pytest.raises(ConnectionClosedOK):
                    socket.recv()
        timeline = server.timeline(path)
        assert (timeline.kind, timeline.status, timeline.aborted) == ("websocket", None, False)
        assert [(task.mode, task.outcome) for task in timeline.tasks] == [
            ("immediate", "ok"),
            ("after_route", "ok"),
            ("after_response", "ok"),
        ]
        immediate, after_route, after_response = (task.released for task in timeline.tasks)
        assert timeline.endpoint_end is not None
        assert timeline.response_sent is not None
        assert immediate is not None
        assert after_route is not None
        assert after_response is not None
        assert immediate < timeline.response_sent
        assert timeline.endpoint_end <= after_route <= after_response
        assert timeline.response_sent <= after_response


class TestT11Threads:
    def test_a_def_endpoint_answers_while_200_def_tasks_hold_their_threads(
        self, server: Server
    ) -> None:
        server.client.post("/flood")
        for _ in range(50):
            assert server.client.get("/def").text == '"answer"'
        server.open("flood")
        tasks = server.timeline("/flood").tasks
        assert [(task.thread, task.outcome) for task in tasks] == [(True, "ok")] * 200


class TestS1Shutdown:
    @pytest.mark.parametrize("kind", EVENT_LOOPS)
    def test_the_grace_period_lets_all_finish_also_queued_and_new_ones(self, kind: str) -> None:
        with running(kind, "shutdown:patient") as server:
            server.client.post("/work")
            server.terminate()
            assert server.exit_code() == NORMAL_EXIT[kind]
        *ended, last = server.said[server.said.index("shutdown begins") + 1 :]
        names = ["mail", "parent", "child", "report of fails", *(f"queued {n}" for n in range(60))]
        assert sorted(ended) == sorted(f"{name} ended, database open" for name in names)
        assert last == "database closed"
        lines = [line for line in server.output.splitlines() if line.startswith("shutdown:")]
        assert len(lines) == 1
        assert lines[0].startswith("shutdown: waiting up to 60 s, for shielded tasks up to 60 s: ")
        assert server.output.count("task fails (immediate, POST /work #1) failed after") == 1

    @pytest.mark.parametrize("kind", KINDS)
    def test_then_unshielded_are_cancelled_and_what_has_no_end_is_abandoned(
        self, kind: str
    ) -> None:
        with running(kind, "shutdown:strict") as server:
            server.client.post("/work")
            server.terminate()
            assert server.exit_code() == NORMAL_EXIT[kind]
        assert server.said[server.said.index("shutdown begins") + 1 :] == [
            "unshielded ended, database open",
            "shielded ended, database open",
            "database closed",
        ]
        where = "(immediate, POST /work #1)"
        assert [line for line in server.output.splitlines() if line.startswith("shutdown:")] == [
            "shutdown: waiting up to 0.2 s, for shielded tasks up to 0.8 s: "
            f"unshielded {where}, shielded {where}, stubborn {where}, stubborn {where}, "
            f"sleep_forever {where}, sleep {where}, sleep {where}",
            "shutdown: cancelled after the grace period of 0.2 s: "
            f"unshielded {where}, stubborn {where}",
            "shutdown: in a thread, where nothing can cancel them, so they are waited for up to "
            f"0.8 s in all: sleep {where}",
            "shutdown: abandoned after 0.8 s of shutdown, still running: "
            f"stubborn {where}, stubborn {where}, sleep_forever {where}, "
            f"sleep {where}, sleep {where}",
        ]
        server.assert_no_trouble()
