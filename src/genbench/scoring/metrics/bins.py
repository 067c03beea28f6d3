"""In how many regions of the data samples are over- or under-represented: NDB, the number of different bins."""

from typing import NamedTuple

import numpy as np

from genbench.scoring.arrays import Array, Floats, floats, same_width
from genbench.scoring.estimates import Z95
from genbench.scoring.neighbours import nearest

ROUNDS = 20  # of k-means


class DifferentBins(NamedTuple):
    """share: NDB/k, of bins whose proportions differ.  missing: of bins with real rows and no sample.  bins: k."""

    share: float
    missing: float
    bins: int


def different_bins(
    train: Array, real: Array, fake: Array, *, bins: int = 100, seed: int = 0
) -> DifferentBins:
    """NDB/k of Richardson & Weiss (2018), arXiv:1805.12462: k-means cells whose shares of real and fake rows differ.

    train (l, d), from which the cells are made, l > k; real (n, d), fake (m, d).  A cell differs where the two-sample
    test of proportions, z = (p − q)/√(P(1 − P)(1/n + 1/m)) with P the pooled share, has |z| > 1.96: 5 % of cells by
    chance.  Unlike there real rows are not those that the cells were made from, to which cells fit too well.  Lower is
    better; blind to what happens inside a cell.  Raises ValueError for bad input.
    """
    t, x, y = floats(train, "train", rows=2), floats(real, "real"), floats(fake, "fake")
    same_width(("train", t), ("real", x), ("fake", y))
    if not 1 < bins < len(t):
        raise ValueError(f"bins: {bins}, expected 2 to {len(t) - 1}, fewer than rows to make them from")
    from scipy.cluster.vq import kmeans2

    centres = kmeans2(t, bins, iter=ROUNDS, minit="++", missing="warn", seed=np.random.default_rng(seed))[0]
    counts = [np.bincount(nearest(centres, rows)[1][:, 0], minlength=bins) for rows in (x, y)]
    z = _proportions(*counts)
    return DifferentBins(
        float((np.abs(z) > Z95).mean()), float(((counts[0] > 0) & (counts[1] == 0)).mean()), bins
    )


def _proportions(real: np.ndarray, fake: np.ndarray) -> Floats:
    """z of each cell; 0 where neither has any."""
    n, m = real.sum(), fake.sum()
    pooled = (real + fake) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    z: Floats = (real / n - fake / m) / np.where(error > 0, error, 1.0)
    return z
