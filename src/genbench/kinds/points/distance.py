"""Points of [0, 1]^d."""

import numpy as np

from genbench.kinds.distance import Distance
from genbench.kinds.kind import Card


class PointsDistance(Distance):
    words = "Euclidean, in units of the box around the data"

    def vectors(self, stored: np.ndarray, card: Card) -> np.ndarray:
        """(n, d) float64."""
        return stored.reshape(len(stored), -1).astype(np.float64)


DISTANCE = PointsDistance()
