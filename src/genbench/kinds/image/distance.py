"""Images: uint8 levels (n, c, h, w)."""

import numpy as np

from genbench.data.pixels import spread
from genbench.kinds.distance import Distance
from genbench.kinds.kind import Card


class ImageDistance(Distance):
    words = "the smallest of three, on pixels, shifted pixels and contrast, each in units of its scale"

    def vectors(self, stored: np.ndarray, card: Card) -> np.ndarray:
        """Levels -> float64 in [0, 1], flattened: (n, c·h·w)."""
        return stored.reshape(len(stored), -1).astype(np.float64) / (card["levels"] - 1)

    def images(self, stored: np.ndarray, card: Card) -> np.ndarray:
        return spread(stored, card["levels"])


DISTANCE = ImageDistance()
