"""Where the lanes of a scene stand: those of spans are lower than the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visualize.layout import Scene

from .frame import Frame

SLIM = 0.3
"""Half the height of a span's bar, as a share of its lane."""


class Rows:
    """The lanes of a scene, downwards, in lanes of full height; the first one is centred on 0.

    `top` is where each begins, `centre` half way down, `middle` where its bars stand, and `half`
    half their height.
    """

    def __init__(self, scene: Scene, frame: Frame) -> None:
        slim = np.array([lane.kind == "span" for lane in scene.lanes], dtype=bool)
        heights = np.where(slim, frame.slim, 1.0)
        edges = np.concatenate([[0.0], np.cumsum(heights)]) - 0.5
        self.top: NDArray[np.float64] = edges[:-1]
        self.bottom = float(edges[-1]) if len(scene.lanes) else 0.5
        self.centre = self.top + heights / 2
        self.middle = self.centre + np.where(slim, 0.0, frame.middle)
        self.half = np.where(slim, SLIM * frame.slim, frame.half)

    @property
    def height(self) -> float:
        """How high all of them are together."""
        return self.bottom + 0.5

    def end(self, lane: int) -> float:
        """Where a lane ends."""
        return self.bottom if lane + 1 >= len(self.top) else float(self.top[lane + 1])
