"""Recorded marks against stamps that user code takes itself, on a real server."""

from .servers import Server, running

REQUESTS = 300
BOUND = 5_000_000

MARKS = ["endpoint_end", "response_start", "response_sent"] + [
    f"{mode}, {kind}, {moment}"
    for mode in ("immediate", "after_route", "after_response")
    for kind in ("async", "def")
    for moment in ("started", "finished")
]


# Taken just after the recorded mark, the others just before.
AFTER = ("started", "response_start")


def test_marks_are_where_user_code_sees_them() -> None:
    with running("uvicorn", "fidelity:app") as server:
        found = differences(server)
    assert sorted(found) == sorted(MARKS)
    print(f"\n{'mark':<32}{'p50':>10}{'p99':>10}  µs from the user's own stamp")
    for mark in MARKS:
        sign = -1 if mark.endswith(AFTER) else 1
        distances = sorted(sign * difference for difference in found[mark])
        half, most = (distances[int(len(distances) * part)] for part in (0.5, 0.99))
        print(f"{mark:<32}{half / 1000:>10.1f}{most / 1000:>10.1f}")
        # Each kind of task runs in every other request.
        assert len(distances) == REQUESTS / (2 if "," in mark else 1)
        assert distances[0] >= 0, mark
        assert most <= BOUND, mark


def differences(server: Server) -> dict[str, list[int]]:
    for number in range(REQUESTS):
        assert server.client.get(f"/work/{number}").json() == {"number": number}
    found: dict[str, list[int]] = server.client.get("/differences").json()
    return found
