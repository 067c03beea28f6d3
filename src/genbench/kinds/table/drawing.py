"""Tables of a few categorical variables, uint8 levels (n, D): so few cells that all of them can be drawn."""

from collections.abc import Sequence

import numpy as np

from genbench.drawing.canvas import Picture
from genbench.kinds.drawing import Drawing
from genbench.kinds.kind import Card
from genbench.kinds.table.bars import bars, notice
from genbench.kinds.table.cells import all_cells, counts, variables
from genbench.kinds.table.distance import DISTANCE


class TableDrawing(Drawing):
    def grid(self, samples: np.ndarray, card: Card) -> Picture:
        """Bars: how often each cell occurs among the samples, and how probable it is."""
        shares = counts(samples, card) / len(samples)
        return bars(shares, all_cells(card), variables(card), card.get("joint"))

    def pairs(
        self, samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card
    ) -> Picture:
        """No pairs to show, and why."""
        return notice(f"distance: {DISTANCE.words}")


DRAWING = TableDrawing()
