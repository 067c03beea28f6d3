"""Images: uint8 levels (n, c, h, w).  Features come from a classifier trained on the same dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from genbench.data.pixels import spread
from genbench.data.prepared import Prepared
from genbench.drawing import tiles
from genbench.drawing.canvas import Picture
from genbench.kinds.kind import Asked, Card, Comparison, Kind, Subject
from genbench.params.schema import Extractor
from genbench.scoring.resampling import Draws

SHOWN = 100  # samples in a grid
ROW_SIDE = 32  # of an element in a row, in pixels
IN_STRIP = 6


class ImageKind(Kind):
    distance = "the smallest of three, on pixels, shifted pixels and contrast, each in units of its scale"
    pictures: ClassVar[frozenset[Asked]] = frozenset(("interpolation", "traversal", "completion", "own"))

    def vectors(self, stored: np.ndarray, card: Card) -> np.ndarray:
        """Levels -> float64 in [0, 1], flattened: (n, c·h·w)."""
        return stored.reshape(len(stored), -1).astype(np.float64) / (card["levels"] - 1)

    def images(self, stored: np.ndarray, card: Card) -> np.ndarray:
        return spread(stored, card["levels"])

    def extractor(self, data: Prepared, settings: Extractor) -> tuple[bytes, dict[str, Any]]:
        from genbench.extractors import classifier

        return classifier.train(data, settings)

    def compare(
        self, data: Prepared, subject: Subject, drawn: Draws, *, extractor: Path, seed: int
    ) -> Comparison:
        from genbench.kinds.image import comparison

        return comparison.compare(self, data, subject, drawn, extractor=extractor, seed=seed)

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


KIND = ImageKind()
