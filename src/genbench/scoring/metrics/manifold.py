"""Precision and recall (Kynkäänniemi et al., 2019), arXiv:1904.06991.
Density and coverage (Naeem et al., 2020), arXiv:2002.09797.

Both cover each set with balls that reach to the k-th nearest neighbour of their centre.

The intervals are of the expected score of this generator at these numbers of held-out elements and samples, both
drawn anew.  Their standard error comes from subsets of both sets, a quarter of each without replacement, with the
balls built again (Politis & Romano, 1994, doi:10.1214/aos/1176325770).  A bootstrap is no way here: an element drawn
twice has its nearest neighbour at distance 0 (Abadie & Imbens, 2008, doi:10.3982/ECTA6474).
"""

from typing import NamedTuple

import numpy as np

from genbench.scoring.estimates import Estimate, spread_interval, wilson_interval
from genbench.scoring.metrics.arrays import Array, Floats, pair
from genbench.scoring.metrics.balls import Balls, held
from genbench.scoring.metrics.neighbours import nearest_others

NEAR, AROUND = 3, 5  # neighbours of precision and recall, and of density and coverage
PART, MOST = 1 / 4, 400  # of both sets in a subset: this share, but no more elements
SUBSETS = 100


class PrecisionRecall(NamedTuple):
    """precision: share of fakes in the real manifold.  recall: share of reals in the fake manifold."""

    precision: Estimate
    recall: Estimate


class DensityCoverage(NamedTuple):
    """density: real balls around a fake, over k.  coverage: share of reals with a fake in their ball."""

    density: Estimate
    coverage: Estimate


class Manifolds(NamedTuple):
    """The four scores of two sets, or of each of b pairs of sets (b,)."""

    precision: Floats
    recall: Floats
    density: Floats
    coverage: Floats


def precision_recall(
    real: Array, fake: Array, *, k: int = NEAR, subsets: int = SUBSETS, seed: int = 0
) -> PrecisionRecall:
    """Do fakes lie in the real manifold (precision), do reals lie in the fake manifold (recall)?

    precision = share of fakes y with ‖y−x‖ ≤ r_k(x) for some real x; r_k(x) is the distance of x to its k-th
    nearest other real.  recall swaps the sets.  real (n, d), fake (m, d) → shares in [0, 1], higher is
    better.  One outlier makes a large ball: see `density_coverage`.  Wilson's intervals for the standard error between
    `subsets` seeded subsets; see above.  Raises ValueError for bad input and for k or fewer rows.
    """
    x, y = pair(real, fake, rows=k + 1)
    found = _manifolds(x, y, k, k)
    errors = _errors(x, y, found, subsets, seed, k, k)
    return PrecisionRecall(
        wilson_interval(float(found.precision), float(errors.precision), len(y)),
        wilson_interval(float(found.recall), float(errors.recall), len(x)),
    )


def density_coverage(
    real: Array, fake: Array, *, k: int = AROUND, subsets: int = SUBSETS, seed: int = 0
) -> DensityCoverage:
    """How many real balls hold a fake (density), how many real balls hold any fake (coverage)?

    density = mean over fakes y of #{real x: ‖y−x‖ < r_k(x)}/k, in [0, ∞), about 1 for equal distributions
    (exactly 1 for an identical set without ties).  coverage = share of reals x with a fake closer than
    r_k(x), in [0, 1], expected 1 − 2⁻ᵏ for equal distributions and sizes.  Higher is better.  real (n, d),
    fake (m, d).  Balls are open as in the authors' code, but hold their own centre: a real point with k
    duplicates has r_k = 0 and is still found by a copy.  Intervals: value ± 1.96·sd and Wilson's for the standard error
    between `subsets` seeded subsets; see above.  Raises ValueError for bad input and for k or fewer real rows.
    """
    x, y = pair(real, fake, rows=1)
    if len(x) <= k:
        raise ValueError(f"real: {len(x)} rows, expected more than k={k}")
    found = _manifolds(x, y, 0, k)
    errors = _errors(x, y, found, subsets, seed, 0, k)
    return DensityCoverage(
        spread_interval(float(found.density), float(errors.density), len(y), least=0.0),
        wilson_interval(float(found.coverage), float(errors.coverage), len(x)),
    )


def manifolds(real: Array, fake: Array) -> Manifolds:
    """The values of `precision_recall` and `density_coverage`, from one pass over the pairs of the two sets.

    Raises ValueError as they do.
    """
    x, y = pair(real, fake, rows=NEAR + 1)
    if len(x) <= AROUND:
        raise ValueError(f"real: {len(x)} rows, expected more than k={AROUND}")
    return _manifolds(x, y, NEAR, AROUND)


def manifold_replicates(
    real: Array, fake: Array, real_keys: Array, fake_keys: Array, *, of: Manifolds
) -> Manifolds:
    """Replicates of the four scores `of` these sets that scatter around them as the scores themselves do.

    real_keys (b, n) and fake_keys (b, m): the b-th subsets are the elements with the least keys.  Two models with the
    same real_keys can be compared in pairs.

    A score's variance is that between subsets, of f·n and f·m elements, times f/(1 − f) and a scale: subsets fluctuate
    1/f times as much as the whole, and share a part f of their data.  The scale carries the variance from subsets to
    the whole: the ratio of p(1−p) for shares, of the squares for densities.

    NaN where the sets are too small for subsets.
    """
    return _replicates(*pair(real, fake), real_keys, fake_keys, of, NEAR, AROUND)


def _manifolds(x: Floats, y: Floats, near: int, around: int) -> Manifolds:
    """The scores of x (n, d) and y (m, d), NaN for those with balls of 0 neighbours."""
    of_x = nearest_others(x, k=max(near, around))[0]
    opened = Balls(of_x[:, around - 1], closed=False)
    if not near:
        (counts,) = held(x, y, [opened])
        precision, recall = np.array(np.nan), np.array(np.nan)
    else:
        closed = Balls(of_x[:, near - 1], closed=True)
        around_y = Balls(nearest_others(y, k=near)[0][:, -1], closed=True)
        inside, counts, back = held(x, y, [closed, opened], [around_y])
        precision, recall = (np.array((part.points > 0).mean()) for part in (inside, back))
    density, coverage = np.array(counts.points.mean() / around), np.array((counts.balls > 0).mean())
    return Manifolds(precision, recall, density, coverage)


def _errors(
    x: Floats, y: Floats, found: Manifolds, subsets: int, seed: int, near: int, around: int
) -> Manifolds:
    rng = np.random.default_rng(seed)
    one, other = rng.random((subsets, len(x))), rng.random((subsets, len(y)))
    replicates = _replicates(x, y, one, other, found, near, around)
    return Manifolds(*(np.asarray(np.std(each, ddof=1)) for each in replicates))


def _replicates(
    x: Floats, y: Floats, real_keys: Array, fake_keys: Array, of: Manifolds, near: int, around: int
) -> Manifolds:
    least, most = min(len(x), len(y)), max(len(x), len(y))
    share = max(min(PART, MOST / most), (max(near, around) + 2) / least)
    if share > 2 * PART:
        return Manifolds(*[np.full(len(real_keys), np.nan)] * 4)
    parts = (
        np.argpartition(np.asarray(keys), int(share * len(z)), axis=1)[:, : int(share * len(z))]
        for keys, z in ((real_keys, x), (fake_keys, y))
    )
    scores = [_subset(x[a], y[b], near, around) for a, b in zip(*parts, strict=True)]
    columns = np.array(scores).T  # (4, b)
    shares = (True, True, False, True)
    factor = (share / (1 - share)) ** 0.5
    replicates = [
        value + factor * _scale(value, each, bounded) * (each - each.mean())
        for value, each, bounded in zip(of, columns, shares, strict=True)
    ]
    return Manifolds(*replicates)


def _scale(value: Floats, subsets: Floats, bounded: bool) -> float:
    """By how much more the whole scatters than a subset, but for its size."""
    mean = float(subsets.mean())
    if not bounded:
        return float(value) / mean if mean > 0 else 1.0
    there = mean * (1 - mean)
    return float((value * (1 - value) / there) ** 0.5) if there > 0 else 1.0


def _subset(x: Floats, y: Floats, near: int, around: int) -> tuple[float, float, float, float]:
    """The scores of a few rows, by float64 products: the boundary is not decided to the last bit."""
    to_x, across = _squares(x, x), _squares(x, y)
    np.fill_diagonal(to_x, -1.0)  # before all others, duplicates included
    places = [k for k in (near, around) if k]
    of_x = np.partition(to_x, places, axis=1)
    within = across < of_x[:, [around]]
    within |= across <= 0
    precision = recall = np.nan
    if near:
        to_y = _squares(y, y)
        np.fill_diagonal(to_y, -1.0)
        of_y = np.partition(to_y, near, axis=1)[:, near]
        precision = (across <= of_x[:, [near]]).any(axis=0).mean()
        recall = (across <= of_y).any(axis=1).mean()
    return (
        float(precision),
        float(recall),
        float(within.sum() / (around * len(y))),
        float(within.any(1).mean()),
    )


def _squares(x: Floats, y: Floats) -> Floats:
    """|x − y|² (n, m), 0 for exact copies where the rounding allows."""
    squares: Floats = -2 * (x @ y.T)
    size_x, size_y = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", y, y)
    squares += size_x[:, None]
    squares += size_y
    tiny = 1e-12 * (size_x.max() + size_y.max())
    squares[squares < tiny] = 0.0
    return squares
