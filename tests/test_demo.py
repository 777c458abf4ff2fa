"""The demo: what it shows is what happened, and it ends well however it ends."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pytest

from fastapi_tasks import Timeline, load
from visualize.lab.sockets import bind

from .processes import line_with, run, running
from .watching import whole


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the output of one run."""
    folder = tmp_path_factory.mktemp("demo")
    done = run("demo", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder, done.stdout


def without_numbers(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "N", text)


def test_it_says_what_happens_and_where_the_files_are(demo: tuple[Path, str]) -> None:
    lines = [without_numbers(line) for line in demo[1].splitlines()]
    assert lines[:4] == [
        "The checkout app runs on http://N.N:N",
        "One customer checks out, then three at the same time.",
        "",
        "POST /checkout #N · N · endpoint end N ms · response sent N ms",
    ]
    assert lines[-6:] == [
        "add_loyalty_points failed on purpose. Nothing else noticed, and the log has one line:",
        "  task add_loyalty_points (after_response, POST /checkout #N) failed after N ms: "
        "ConnectionError: the loyalty service does not answer",
        "",
        "the picture above   timeline.png",
        "all N requests      timeline.json",
        "to explore them     timeline.html",
    ]


def test_the_files_are_whole(demo: tuple[Path, str]) -> None:
    folder = demo[0]
    assert sorted(file.name for file in folder.iterdir()) == [
        "timeline.html",
        "timeline.json",
        "timeline.png",
    ]
    assert (folder / "timeline.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "timeline.html").read_text().startswith("<!doctype html>")


def test_every_request_is_recorded_whole(demo: tuple[Path, str]) -> None:
    timelines = load(demo[0] / "timeline.json")
    assert [timeline.title for timeline in timelines] == [
        f"POST /checkout #{n}" for n in range(1, 5)
    ]
    for timeline in timelines:
        assert timeline.status == 200
        assert timeline.settled
        assert [(t.name, t.mode, t.thread, t.outcome, t.error) for t in timeline.tasks] == [
            ("validate_payment", "immediate", False, "ok", None),
            ("finalize_order", "after_route", False, "ok", None),
            ("send_confirmation", "after_response", False, "ok", None),
            ("notify_shipping", "after_response", False, "ok", None),
            ("print_invoice", "after_response", True, "ok", None),
            ("add_loyalty_points", "after_response", False, "error", "ConnectionError"),
            ("count_sale", "background", False, "ok", None),
        ]
        assert whole(timeline) == [
            "dependency get_session",
            "validation parameters",
            "endpoint checkout",
            "  sql INSERT orders",
            "serialization response",
            "close get_session",
            "  sql COMMIT",
            "sending response",
            "immediate validate_payment: ok",
            "  http POST 127.0.0.1",
            "after_route finalize_order: ok",
            "  sql SELECT orders",
            "  sql UPDATE orders",
            "  sql COMMIT",
            "after_response send_confirmation: ok",
            "after_response notify_shipping: ok",
            "after_response print_invoice: ok",
            "after_response add_loyalty_points: error ! ConnectionError",
            "background count_sale: ok",
        ]


def story(timeline: Timeline) -> list[int | None]:
    view = timeline.client
    assert view is not None
    payment, finalize, *later, _ = timeline.tasks
    return [
        view.sent,
        timeline.request_start,
        timeline.endpoint_start,
        payment.released,
        payment.started,
        timeline.endpoint_end,
        finalize.released,
        timeline.response_start,
        timeline.response_sent,
        *(task.released for task in later),
    ]


def test_the_checkout_tells_its_story_in_order(demo: tuple[Path, str]) -> None:
    for timeline in load(demo[0] / "timeline.json"):
        moments = [moment for moment in story(timeline) if moment is not None]
        assert len(moments) == 13
        assert moments == sorted(moments)
        payment = timeline.tasks[0].finished
        sent = timeline.response_sent
        assert payment is not None
        assert sent is not None
        assert payment > sent, "the response waits for no task"


def test_it_writes_where_it_is_told(tmp_path: Path) -> None:
    done = run("demo", "-o", "new/folder", "--no-open", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "new/folder/timeline.html").exists()
    assert done.stdout.splitlines()[-1] == "to explore them     new/folder/timeline.html"


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="there is always a display")
@pytest.mark.parametrize("options", [(), ("--no-open",)])
def test_the_page_is_opened_where_there_is_a_display(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    done = run("demo", *options, cwd=tmp_path, DISPLAY=":9", BROWSER=str(browser))
    assert (done.returncode, done.stderr) == (0, "")
    opened = tmp_path / "opened"
    if options:
        assert not opened.exists()
    else:
        assert opened.read_text() == f"{(tmp_path / 'timeline.html').as_uri()}\n"


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with bind() as taken:
        port = taken.getsockname()[1]
        done = run("demo", "--port", str(port), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"visualize: port {port} on 127.0.0.1 is taken by another program: "
        "give another port, or 0 for a free one\n"
    )


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("demo", "-o", "file/below", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "visualize: cannot write into file/below (not a directory): give another folder\n"
    )


@pytest.mark.parametrize("words", ["runs on", "One customer", "response sent", "on purpose"])
def test_ctrl_c_ends_it_at_once(tmp_path: Path, words: str) -> None:
    with running("demo", cwd=tmp_path) as process:
        line_with(words, process.stdout)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
    assert (process.returncode, error) == (130, "interrupted\n")
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []
