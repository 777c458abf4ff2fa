"""Figures as files, and figures that a notebook shows as pictures."""

from __future__ import annotations

from io import BytesIO

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from visualize.signs import MAKER

from .frame import whole

DPI = 160


class TimelineAxes(Axes):
    """Axes of a figure of our own; a notebook shows them as the picture."""

    def _repr_png_(self) -> bytes:
        return to_png(self)


class TimelineFigure(Figure):
    """A figure that a notebook shows as its picture, whether or not pyplot is there."""

    def _repr_png_(self) -> bytes:
        return to_png(self)


def to_png(figure: Axes | Figure, *, dpi: float = DPI) -> bytes:
    """Return the figure as a PNG file of few colours, which keeps it small."""
    file = BytesIO()
    drawn = _whole(figure)
    # Uncompressed, since this is not the file that is wanted.
    drawn.savefig(file, format="tiff", dpi=dpi, facecolor=drawn.get_facecolor(), edgecolor="none")
    image = Image.open(file).convert("RGB")
    small, known = BytesIO(), PngInfo()
    known.add_text("Software", MAKER)
    image.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True, pnginfo=known
    )
    return small.getvalue()


def to_svg(figure: Axes | Figure) -> bytes:
    """Return the figure as an SVG file; the same figure gives the same bytes."""
    file = BytesIO()
    drawn = _whole(figure)
    with matplotlib.rc_context({"svg.hashsalt": "timeline"}):
        drawn.savefig(
            file, format="svg", facecolor=drawn.get_facecolor(),
            metadata={"Date": None, "Creator": MAKER},
        )  # fmt: skip
    return file.getvalue()


def _whole(figure: Axes | Figure) -> Figure:
    return whole(figure) if isinstance(figure, Axes) else figure
