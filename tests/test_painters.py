"""One list of painters: the API and the command line offer what it has, and nothing else."""

from __future__ import annotations

import argparse

import pytest

import visualize
from tests.samples import checkout
from visualize.cli.main import parser
from visualize.painters import PAINTERS, Painter

FORMS = [painter.form for painter in PAINTERS]


def options_of(command: str) -> set[str]:
    top = parser()
    (commands,) = (
        action for action in top._actions if isinstance(action, argparse._SubParsersAction)
    )
    return {option for one in commands.choices[command]._actions for option in one.option_strings}


@pytest.mark.parametrize("painter", PAINTERS, ids=FORMS)
def test_the_api_has_each_by_its_name(painter: Painter) -> None:
    assert painter.function in visualize.__all__
    assert callable(getattr(visualize, painter.function))


def test_the_api_has_no_other() -> None:
    offered = {name for name in visualize.__all__ if name.startswith("to_")}
    assert offered == {painter.function for painter in PAINTERS}


def test_the_command_line_offers_each() -> None:
    assert {f"--{form}" for form in FORMS} <= options_of("show")
    comparing = {f"--{painter.form}" for painter in PAINTERS if painter.compares}
    assert options_of("compare") & {f"--{form}" for form in FORMS} == comparing


def test_forms_and_endings_are_told_apart() -> None:
    assert len(set(FORMS)) == len({painter.ending for painter in PAINTERS}) == len(PAINTERS)


@pytest.mark.parametrize("painter", PAINTERS, ids=FORMS)
def test_each_paints_timelines_in_a_file_that_is_known_again(painter: Painter) -> None:
    assert painter.sign in painter.paint([checkout()])[:60_000]


@pytest.mark.parametrize(
    "painter", [one for one in PAINTERS if one.compares], ids=lambda one: one.form
)
def test_those_that_compare_paint_recordings_side_by_side(painter: Painter) -> None:
    panels = {"A": [checkout()], "B": [checkout(2)]}
    first, second = (
        painter.paint_beside(panels, align) for align in ("request_start", "response_sent")
    )
    assert first != second
