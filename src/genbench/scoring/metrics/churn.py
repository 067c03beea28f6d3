"""How much a generator changes from one moment of its training to the next."""

import math
from itertools import pairwise

import numpy as np

from genbench.scoring.arrays import Array, integers
from genbench.scoring.metrics.modes import class_histogram, total_variation


def churn(labels: Array, classes: int) -> float:
    """Mean total variation between the class shares of neighbouring moments, less √((k − 1)/πn).

    labels (moments, n), integers 0 … k−1 (else ValueError), of n samples at each moment.  Two sets of n independent
    draws from k equal classes are that far apart on average: the difference of two shares has the variance
    2(k − 1)/k²n (√(k/πn), without the −1, is its bound).  A generator that stands still has 0 if its noise is new at
    every moment, −√((k − 1)/πn) if it is the same.  Lower is steadier.
    """
    rows = np.asarray(labels)
    if rows.ndim != 2 or len(rows) < 2 or not rows.shape[1]:
        raise ValueError(f"labels: shape {rows.shape}, expected (moments, n) with two moments or more")
    shares = [class_histogram(integers(row, "labels", classes=classes), classes) for row in rows]
    moved = [total_variation(one, other) for one, other in pairwise(shares)]
    return float(np.mean(moved)) - math.sqrt((classes - 1) / (math.pi * rows.shape[1]))
