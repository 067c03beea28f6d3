"""Verification: do two pictures show the same person?  The area under the curve of a distance that should say so."""

import numpy as np

from genbench.scoring.arrays import Floats
from genbench.scoring.estimates import Estimate, bootstrap_interval


def verification_auc(distances: Floats, resampled: Floats, *, same: np.ndarray | None = None) -> Estimate:
    """P(two pictures of different people are further apart than two of one person), ties half: ½ by chance, 1 at best.

    distances: (n, n), of picture i of the first set from picture j of the second; i and i belong together.
    resampled: (b, n), how often each pair is drawn; the interval is that of the bootstrap of whole pairs, in which the
    distance of i from j counts as often as both are drawn.
    same: (n, n), which others belong together too and so are not compared; by default none.
    """
    n = len(distances)
    others = ~np.eye(n, dtype=bool) if same is None else ~(same | np.eye(n, dtype=bool))
    rows, columns = np.nonzero(others)
    apart = distances[rows, columns]
    order = np.argsort(apart, kind="stable")
    rows, columns, apart = rows[order], columns[order], apart[order]
    together = np.diag(distances)
    below, up_to = (np.searchsorted(apart, together, side=side) for side in ("left", "right"))

    def area(weights: Floats) -> float:
        sums = np.concatenate([[0.0], np.cumsum(weights[rows] * weights[columns])])
        further = sums[-1] - (sums[below] + sums[up_to]) / 2
        return float(weights @ further / (weights.sum() * sums[-1]))

    replicates = [area(weights) for weights in resampled]
    return bootstrap_interval(area(np.ones(n)), replicates, n, least=0.0, most=1.0)
