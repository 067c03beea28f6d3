"""What metrics of generated data are computed on."""

from typing import NamedTuple

import numpy as np


class Features(NamedTuple):
    """features (n, f), class probabilities (n, classes), labels (n,)."""

    features: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray

    def rows(self, chosen: slice) -> "Features":
        return Features(*(part[chosen] for part in self))
