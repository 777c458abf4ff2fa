"""What `record` says at its end, of recordings short and long."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fastapi_tasks import save, to_json
from tests.runs import Shop, run
from visualize.cli import findings

SHOP = run(1, Shop(hold=40))


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # The command is over by then; this process is not.
    monkeypatch.setattr(findings, "quit_on_interrupt", lambda: None)
    monkeypatch.setenv("COLUMNS", "100")
    path = tmp_path / "run.jsonl"
    save(SHOP, path)
    return path


def test_all_of_a_short_recording_is_looked_at(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings.say_why(recording, len(SHOP))
    said = capsys.readouterr().out
    assert "held the event loop" in said
    assert "In the last" not in said


@pytest.mark.parametrize("beside", [-1, 0, 1, 200])
def test_of_a_long_one_the_last_requests_are(
    recording: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    beside: int,
) -> None:
    monkeypatch.setattr(findings, "MOST", len(to_json(SHOP[-100:]).encode()) + beside)
    findings.say_why(recording, len(SHOP))
    said = capsys.readouterr().out
    whole = 100 if beside >= 0 else 99
    assert f"In the last {whole} of 600 requests (" in said
    assert re.search(r"resize \(after_response\) held the event loop \d+ times", said)


def test_nothing_is_said_of_what_cannot_be_read(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording.write_text('{"format": 999}\n')
    findings.say_why(recording, 1)
    findings.say_why(recording.parent, 1)
    findings.say_why(recording / "gone", 1)
    assert capsys.readouterr().out == ""
