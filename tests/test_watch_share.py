"""What kept a thread from its work: the interpreter lock, the machine, or nothing but itself."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fastapi_tasks.watch.crew import Crew
from fastapi_tasks.watch.share import Kept, Share
from fastapi_tasks.watch.stacks import Stacks

MS = 1_000_000


@contextmanager
def looked_at(share: Share) -> Iterator[None]:
    """Have another thread look at this one, as long as this is open."""
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            share.rest(5 * MS)
            share.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def hogs(many: int) -> Iterator[None]:
    """Have threads that keep the interpreter lock, as long as this is open."""
    over = threading.Event()

    def hog() -> None:
        while not over.is_set():
            sum(range(1000))

    threads = [threading.Thread(target=hog) for _ in range(many)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def kept_while(work: Callable[[], object]) -> Kept:
    """Tell what kept this thread from its work while it did this."""
    share = Share(20 * MS)
    with looked_at(share):
        time.sleep(0.02)
        since = time.perf_counter_ns()
        work()
        return share.kept(since, share.around(since))


def spin() -> None:
    until = time.thread_time() + 0.1
    while time.thread_time() < until:
        pass


def dump() -> None:
    until = time.thread_time() + 0.1
    while time.thread_time() < until:
        json.dumps(list(range(100_000)))


def derive() -> None:
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 400_000)


def give_away() -> None:
    """Ask for the lock again and again, for a tenth of a second at least."""
    until = time.perf_counter() + 0.1
    while time.perf_counter() < until:
        os.stat("/")
        time.sleep(0)


@pytest.mark.parametrize("work", [lambda: time.sleep(0.1), spin, dump, derive])
@pytest.mark.parametrize("others", [0, 1, 3])
def test_nothing_did_where_it_worked_or_slept(work: Callable[[], object], others: int) -> None:
    with hogs(others):
        assert kept_while(work) is Kept.NOTHING


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of turns")
def test_the_machine_did_where_it_stood_still_on_its_processor() -> None:
    """As that of a guest does, when another guest has the processor."""
    stood_still = 0

    def now() -> int:
        return time.perf_counter_ns() + stood_still

    found = []
    for _ in range(10):
        share = Share(20 * MS, now)
        since, around = now(), share.around(now())
        stood_still += 200 * MS
        found.append(share.kept(since, around))
    # Meanwhile it may have lost its processor to others, and seems to have slept.
    assert Kept.MACHINE in found


@pytest.mark.parametrize("others", [1, 3])
def test_the_lock_did_where_others_had_it(others: int) -> None:
    with hogs(others):
        found = [kept_while(give_away) for _ in range(10)]
    # On a busy machine it may be that, too.
    assert Kept.LOCK in found
    assert Kept.NOTHING not in found


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells")
def test_the_thread_that_worked_most_is_found() -> None:
    crew, stacks = Crew(), Stacks(None, ())
    with hogs(1):
        time.sleep(0.1)
        sight = stacks.read(crew.at_work()[0])
    assert sight.root == "hog"
    assert (sight.line or "").endswith(" in hog")


def test_a_thread_that_rests_is_none_of_them() -> None:
    crew, over = Crew(), threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    crew.at_work()
    time.sleep(0.02)
    found = crew.at_work()
    over.set()
    thread.join()
    assert [one for one in found if any(call.code is over.wait.__code__ for call in one)] == []


def test_where_the_system_tells_nothing_of_threads_it_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(_: int) -> int:
        raise FileNotFoundError(44, "No such file or directory")

    monkeypatch.delattr(threading, "get_native_id", raising=False)
    monkeypatch.setattr(time, "pthread_getcpuclockid", fails, raising=False)
    share = Share(5 * MS)
    share.look()
    assert share.latest.worked is None
    assert share.kept(time.perf_counter_ns(), share.around(share.latest.at)) is Kept.NOTHING
