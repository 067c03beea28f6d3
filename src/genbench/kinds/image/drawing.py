"""Images: uint8 levels (n, c, h, w)."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from genbench.drawing import tiles
from genbench.drawing.canvas import Picture
from genbench.kinds.drawing import Asked, Drawing
from genbench.kinds.kind import Card

SHOWN = 100  # samples in a grid
ROW_SIDE = 32  # of an element in a row, in pixels
IN_STRIP = 6


class ImageDrawing(Drawing):
    pictures: ClassVar[frozenset[Asked]] = frozenset(("interpolation", "traversal", "completion", "own"))

    def grid(self, samples: np.ndarray, card: Card) -> Picture:
        return tiles.tile(samples[:SHOWN], card["levels"], columns=10)

    def pairs(
        self, samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card
    ) -> Picture:
        return tiles.neighbours(samples, training, flagged, card["levels"])

    def strip(self, samples: np.ndarray, card: Card) -> Picture:
        return tiles.tile(samples[:IN_STRIP], card["levels"], columns=IN_STRIP, side=ROW_SIDE)

    def rows(self, elements: np.ndarray, card: Card) -> Picture:
        columns, *shape = elements.shape[1:]
        return tiles.tile(elements.reshape(-1, *shape), card["levels"], columns=columns, side=ROW_SIDE)


DRAWING = ImageDrawing()
