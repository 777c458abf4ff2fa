"""What the tutorial says about timing control, claims 6, 12 and 21, on a real server."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from .served.claims import ATLAS_BYTES
from .servers import NORMAL_EXIT, PATIENCE, Server, running


@pytest.fixture(scope="module")
def club() -> Iterator[Server]:
    with running("uvicorn", "claims:club") as server:
        yield server


def test_claim_6_but_a_slow_client_may_have_nothing_of_it_yet(club: Server) -> None:
    host, port = club.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as client:
        client.sendall(b"GET /atlas HTTP/1.1\r\nHost: club\r\nConnection: close\r\n\r\n")
        club.wait_for("app: download counted")
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert len(received.partition(b"\r\n\r\n")[2]) == ATLAS_BYTES


def test_claim_12_the_client_has_its_answer_before_the_letter_goes_out(club: Server) -> None:
    answer = club.client.post("/members", params={"member": "ada"})
    assert answer.json() == {"joined": "ada"}
    # The letter waits for this client's word, so it is written after the answer was read.
    club.wait_for("writing to ada")
    assert "wrote to ada" not in club.said
    club.open("letter")
    club.wait_for("wrote to ada")


def test_claim_21_a_shielded_task_outlives_the_grace_period_of_a_shutdown() -> None:
    with running("uvicorn", "claims:brief") as server:
        server.client.post("/members")
        server.wait_for("fee begins")
        server.terminate()
        line = server.wait_for("shutdown: cancelled after the grace period of 0.2 s")
        assert "sync_calendar" in line
        assert "print_badge" in line
        assert "charge_fee" not in line
        server.open("bank answers")
        assert server.exit_code() == NORMAL_EXIT["uvicorn"]
    assert server.said[-2:] == ["shutdown begins", "fee charged"]
    server.assert_no_trouble()
