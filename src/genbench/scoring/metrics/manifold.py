"""Precision and recall (Kynkäänniemi et al., 2019), arXiv:1904.06991.
Density and coverage (Naeem et al., 2020), arXiv:2002.09797.

Both cover each set with balls that reach to the k-th nearest neighbour of their centre.
"""

from typing import NamedTuple

import numpy as np

from genbench.scoring.estimates import Estimate, clopper_pearson, mean_interval
from genbench.scoring.metrics.arrays import Array, Floats, pair
from genbench.scoring.metrics.neighbours import ball_counts, nearest, nearest_others


class PrecisionRecall(NamedTuple):
    """precision: share of fakes in the real manifold.  recall: share of reals in the fake manifold."""

    precision: Estimate
    recall: Estimate


class DensityCoverage(NamedTuple):
    """density: real balls around a fake, over k.  coverage: share of reals with a fake in their ball."""

    density: Estimate
    coverage: Estimate


class Members(NamedTuple):
    """fakes (m,) and reals (n,): of precision and recall, or of density and coverage, the terms of the mean."""

    fakes: Floats
    reals: Floats


def precision_recall(real: Array, fake: Array, *, k: int = 3) -> PrecisionRecall:
    """Do fakes lie in the real manifold (precision), do reals lie in the fake manifold (recall)?

    precision = share of fakes y with ‖y−x‖ ≤ r_k(x) for some real x; r_k(x) is the distance of x to its k-th
    nearest other real.  recall swaps the sets.  real (n, d), fake (m, d) → shares in [0, 1], higher is
    better.  Clopper–Pearson intervals over the judged set (m fakes, n reals), with the manifold held fixed.
    One outlier makes a large ball: see `density_coverage`.  Raises ValueError for bad input and for k or
    fewer rows.
    """
    fakes, reals = precision_recall_members(real, fake, k=k)
    return PrecisionRecall(
        clopper_pearson(int(fakes.sum()), len(fakes)), clopper_pearson(int(reals.sum()), len(reals))
    )


def precision_recall_members(real: Array, fake: Array, *, k: int = 3) -> Members:
    """Which fakes lie in the real manifold and which reals in that of the fakes, as 0 and 1."""
    x, y = pair(real, fake, rows=k + 1)
    real_radii, fake_radii = nearest_others(x, k=k)[0][:, -1], nearest_others(y, k=k)[0][:, -1]
    inside_real = ball_counts(x, real_radii, y, closed=True) > 0
    inside_fake = ball_counts(y, fake_radii, x, closed=True) > 0
    return Members(inside_real.astype(np.float64), inside_fake.astype(np.float64))


def density_coverage(real: Array, fake: Array, *, k: int = 5) -> DensityCoverage:
    """How many real balls hold a fake (density), how many real balls hold any fake (coverage)?

    density = mean over fakes y of #{real x: ‖y−x‖ < r_k(x)}/k, in [0, ∞), about 1 for equal distributions
    (exactly 1 for an identical set without ties).  coverage = share of reals x with a fake closer than
    r_k(x), in [0, 1], expected 1 − 2⁻ᵏ for equal distributions and sizes.  Higher is better.  real (n, d),
    fake (m, d).  Balls are open as in the authors' code, but hold their own centre: a real point with k
    duplicates has r_k = 0 and is still found by a copy. Intervals: normal over the m fakes, Clopper–Pearson
    over the n reals, the other set held fixed. Raises ValueError for bad input and for k or fewer real rows.
    """
    fakes, reals = density_coverage_members(real, fake, k=k)
    return DensityCoverage(mean_interval(fakes, least=0.0), clopper_pearson(int(reals.sum()), len(reals)))


def density_coverage_members(real: Array, fake: Array, *, k: int = 5) -> Members:
    """How many real balls hold each fake, over k, and whether the ball of each real holds a fake, as 0 and 1."""
    x, y = pair(real, fake, rows=1)
    if len(x) <= k:
        raise ValueError(f"real: {len(x)} rows, expected more than k={k}")
    radii = nearest_others(x, k=k)[0][:, -1]
    inside = ball_counts(x, radii, y, closed=False)
    closest = nearest(y, x)[0][:, 0]
    covered = (closest < radii) | (closest == 0)
    return Members(inside / k, covered.astype(np.float64))
