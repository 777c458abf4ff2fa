"""What is written carries the sign by which it is known again."""

from __future__ import annotations

import pytest

from visualize.painters import PAINTERS, Painter

from .samples import checkout


@pytest.mark.parametrize("painter", PAINTERS, ids=lambda painter: painter.form)
def test_each_form_begins_with_its_own_and_with_no_others(painter: Painter) -> None:
    head = painter.paint([checkout()])[:2000]
    signs = {one.form for one in PAINTERS if one.sign in head}
    # Both kinds of picture name their maker.
    assert painter.form in signs
    assert signs - {"png", "svg"} <= {painter.form}
