"""What a notebook gets to show, as data; tests/browser/test_jupyter.py looks at it there."""

from __future__ import annotations

import base64
import html
import re
import subprocess
import sys
from io import BytesIO

import pytest
from PIL import Image

from tests.samples import checkout, random_timelines
from visualize.figure import compare, plot, to_png
from visualize.notebook import show
from visualize.page import to_html
from visualize.terminal import text

FRAME = re.compile(
    r'<iframe title="Timeline" sandbox="allow-scripts allow-downloads" width="100%" '
    r'height="(\d+)" style="border: 0" srcdoc=\'([^\']*)\'></iframe>'
    r'<noscript><img alt="([^"]*)" src="data:image/png;base64,([^"]*)"></noscript>'
)


def test_a_cell_gets_the_page_a_picture_and_text() -> None:
    bundle = show(checkout(), title="It's <here>")._repr_mimebundle_()
    assert list(bundle) == ["text/html", "image/png", "text/plain"]
    found = FRAME.fullmatch(bundle["text/html"])
    assert found is not None
    assert html.unescape(found[2]) == to_html(checkout(), title="It's <here>")
    assert found[3] == "Timeline of 1 request with 6 tasks"
    assert found[4] == bundle["image/png"]
    assert Image.open(BytesIO(base64.b64decode(bundle["image/png"]))).format == "PNG"
    assert bundle["text/plain"] == text(checkout(), width=100, color=False)


def test_the_frame_is_as_high_as_its_timelines_need_within_reason() -> None:
    def height(*args: object, **options: int) -> int:
        found = FRAME.fullmatch(show(*args, **options).html)  # type: ignore[arg-type]
        assert found is not None
        return int(found[1])

    assert height([]) == 400
    assert 400 < height(checkout()) < 600
    assert height(random_timelines(5, 5)) == 720
    assert height(checkout(), height=222) == 222
    with pytest.raises(ValueError, match="height=0 leaves nothing to see"):
        show(checkout(), height=0)


def test_several_recordings_are_compared() -> None:
    shown = show({"before": checkout(), "after": iter([checkout(2)])})
    found = FRAME.fullmatch(shown.html)
    assert found is not None
    assert html.unescape(found[2]) == to_html({"before": [checkout()], "after": [checkout(2)]})
    assert found[3] == "Timeline of 2 requests with 12 tasks"
    assert shown.text.startswith("before\n")


def test_page_and_picture_have_one_zero() -> None:
    panels = {"before": checkout(), "after": checkout(2)}
    shown = show(panels, align="response_sent")
    assert '"align":"response_sent"' in shown.html
    assert shown.png == to_png(compare(panels, align="response_sent"))
    assert show(checkout(), align="clock").png == to_png(plot(checkout()))


def test_the_output_stays_what_it_was() -> None:
    timeline = checkout()
    shown = show(iter([timeline]))
    before = shown._repr_mimebundle_()
    timeline.tasks.clear()
    assert shown._repr_mimebundle_(include=None, exclude=None) == before
    assert repr(shown) == before["text/plain"]


def test_the_picture_of_a_request_is_small() -> None:
    assert len(show(checkout()).png) <= 60 * 1024


def test_importing_it_imports_neither_matplotlib_nor_jupyter() -> None:
    program = (
        "import sys, visualize.notebook; "
        "print([m for m in ('matplotlib', 'IPython', 'ipywidgets') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
