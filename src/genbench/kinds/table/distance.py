"""Tables of a few categorical variables, uint8 levels (n, D): all elements occur in the training data in any case."""

import numpy as np

from genbench.kinds.distance import Distance
from genbench.kinds.kind import Card


class TableDistance(Distance):
    words = "none: the few elements there are all occur in the training data"

    def vectors(self, stored: np.ndarray, card: Card) -> None:
        """New data repeat the training data in any case: a copy means nothing."""


DISTANCE = TableDistance()
