"""Tables of a few categorical variables, uint8 levels (n, D): so few cells that all of them can be listed.

Where the card tells the distribution that the data were drawn from, samples and models are held against that.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genbench.data.prepared import Prepared
from genbench.drawing.canvas import Picture
from genbench.kinds.kind import Card, Comparison, Kind, Subject
from genbench.kinds.table.bars import bars, notice
from genbench.kinds.table.cells import all_cells, counts, variables
from genbench.params.schema import Extractor
from genbench.scoring.resampling import Draws


class TableKind(Kind):
    distance = "none: the few elements there are all occur in the training data"

    def vectors(self, stored: np.ndarray, card: Card) -> None:
        """New data repeat the training data in any case: a copy means nothing."""

    def extractor(self, data: Prepared, settings: Extractor) -> tuple[bytes, dict[str, Any]]:
        from genbench.extractors import plain

        return plain.extractor(data)

    def compare(
        self, data: Prepared, subject: Subject, drawn: Draws, *, extractor: Path, seed: int
    ) -> Comparison:
        from genbench.kinds.table import comparison

        return comparison.compare(data, subject, drawn, extractor=extractor)

    def grid(self, samples: np.ndarray, card: Card) -> Picture:
        """Bars: how often each cell occurs among the samples, and how probable it is."""
        shares = counts(samples, card) / len(samples)
        return bars(shares, all_cells(card), variables(card), card.get("joint"))

    def pairs(
        self, samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card
    ) -> Picture:
        """No pairs to show, and why."""
        return notice(f"distance: {self.distance}")


KIND = TableKind()
