"""Are samples closer to the training data than real held-out data is?  The held-out set sets the scale."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.scoring.arrays import Array, Floats, Integers, floats, matrix, same_width
from genbench.scoring.estimates import Estimate, clopper_pearson
from genbench.scoring.neighbours import nearest
from genbench.scoring.novelty.chance import Fold, fold_of


class Calibration(NamedTuple):
    """The samples that lie suspiciously close to the training data, and how the line was drawn.

    rate: share of samples flagged.  threshold: flagged below this distance (0: only exact copies can be
    flagged). false_positive_rate: share of held-out data that the same rule flags.  flags, distances, indices
    (m,): for each sample whether flagged, the distance to its nearest training row and the number of that
    row.  fold: what the number of flagged samples is held against, see `chance_of`.
    """

    rate: Estimate
    threshold: float
    false_positive_rate: float
    flags: NDArray[np.bool_]
    distances: Floats
    indices: Integers
    fold: Fold


def calibrate(train: Array, held_out: Array, samples: Array, *, quantile: float = 0.01) -> Calibration:
    """Which samples are nearer to the training data than all but a share `quantile` of held-out data, and how many.

    train (n, d), held_out (h, d), samples (m, d) → share in [0, 1]; about `quantile` for new samples, 1 for
    copies. The rule is that of `calibrate_distances`; the interval is Clopper–Pearson over the m samples, the threshold
    held fixed. Raises ValueError for bad input or a quantile outside (0, 1).
    """
    points = matrix(train, "train")
    control, fakes = matrix(held_out, "held_out"), matrix(samples, "samples")
    same_width(("train", points), ("held_out", control), ("samples", fakes))
    distances, indices = nearest(points, fakes)
    return calibrate_distances(
        nearest(points, control)[0][:, 0], distances[:, 0], indices[:, 0], quantile=quantile
    )


def calibrate_distances(
    held_out: Array, samples: Array, indices: Integers | None = None, *, quantile: float = 0.01
) -> Calibration:
    """The rule itself, for distances to the training data however measured: held_out (h,), samples (m,).

    A sample is flagged if its distance is below the threshold, or exactly 0.  The threshold is the
    ⌊quantile·(h+1)⌋-th smallest held-out distance: a conformal test (Vovk et al., 2005), by which a new
    sample from the data distribution is flagged with probability at most `quantile`, for every h and with
    ties.  "Below" and not "at": with few grey levels many held-out distances tie at the threshold, and
    counting them would flag far more than `quantile`.  With h < 1/quantile − 1 no distance is small enough to
    be evidence, and only exact copies are flagged.  Exact copies are flagged always, so where more than
    `quantile` of the held-out data are themselves duplicates of training data, false_positive_rate says so;
    read the rate against it.
    """
    control, mine = floats(held_out, "held_out", ndim=1), floats(samples, "samples", ndim=1)
    if not 0 < quantile < 1:
        raise ValueError(f"quantile: {quantile}, expected more than 0 and less than 1")
    if min(control.min(), mine.min()) < 0:
        raise ValueError("distances: negative, expected 0 or more")
    rank = int(np.floor(quantile * (len(control) + 1) + 1e-9))
    threshold = float(np.sort(control)[rank - 1]) if rank >= 1 else 0.0
    flags = (mine < threshold) | (mine == 0)
    false_positives = (control < threshold) | (control == 0)
    rate = clopper_pearson(int(flags.sum()), len(mine))
    rows = np.full(len(mine), -1, dtype=np.int64) if indices is None else indices
    fold = fold_of(control, len(mine), quantile)
    return Calibration(rate, threshold, float(false_positives.mean()), flags, mine, rows, fold)


def closer_to_train(train: Array, held_out: Array, samples: Array, *, seed: int) -> Estimate:
    """Share of samples nearer to training data than to held-out data, both sets cut to the same size.

    The larger set is cut by a seeded draw without replacement; ties count half.  train (n, d), held_out (h,
    d), samples (m, d) → share in [0, 1]: ½ is ideal, above it copying, below it a generator of the other set.
    The interval is Clopper–Pearson over the m samples, the two sets held fixed: their own scatter, visible at
    ½ ± about 0.5/√min(n, h), is not in it.  Raises ValueError for bad input.
    """
    points, control = matrix(train, "train"), matrix(held_out, "held_out")
    fakes = matrix(samples, "samples")
    same_width(("train", points), ("held_out", control), ("samples", fakes))
    rng = np.random.default_rng(seed)
    size = min(len(points), len(control))
    one, other = (rows[np.sort(rng.choice(len(rows), size, replace=False))] for rows in (points, control))
    to_train, to_held_out = nearest(one, fakes)[0][:, 0], nearest(other, fakes)[0][:, 0]
    wins = np.count_nonzero(to_train < to_held_out) + 0.5 * np.count_nonzero(to_train == to_held_out)
    return clopper_pearson(float(wins), len(fakes))
