"""Precision and recall (Kynkäänniemi et al., 2019), arXiv:1904.06991.
Density and coverage (Naeem et al., 2020), arXiv:2002.09797.

Both cover each set with balls that reach to the k-th nearest neighbour of their centre.

The intervals are of the expected score of this generator at these numbers of held-out elements and samples, both
drawn anew.  Their standard error comes from splits of both sets by chance into halves, with the balls built again from
neighbours and distances that were found once.  The two halves of a split share nothing, so that half the mean square of
their difference is the variance of a half without bias, whatever the score; and a score of neighbours, on twice as many
elements, has half the variance, as they depend on each other only nearby (Penrose & Yukich, 2001,
doi:10.1214/aoap/1015345393).  A bootstrap is no way here: an element drawn twice has its nearest neighbour at distance
0 (Abadie & Imbens, 2008, doi:10.3982/ECTA6474).
"""

from typing import NamedTuple

import numpy as np

from genbench.scoring.arrays import Array, Floats, Integers, pair
from genbench.scoring.estimates import Estimate, first_halves, spread_interval, wilson_interval
from genbench.scoring.metrics.balls import Balls, Near, Reach, held
from genbench.scoring.metrics.balls import near as nearby

NEAR, AROUND = 3, 5  # neighbours of precision and recall, and of density and coverage
SPLITS = 50
DEPTH = 4  # times k neighbours are known of each element, of which a half holds k in all but 1 of 100 cases


class PrecisionRecall(NamedTuple):
    """precision: share of fakes in the real manifold.  recall: share of reals in the fake manifold."""

    precision: Estimate
    recall: Estimate


class DensityCoverage(NamedTuple):
    """density: real balls around a fake, over k.  coverage: share of reals with a fake in their ball."""

    density: Estimate
    coverage: Estimate


class Manifolds(NamedTuple):
    """The four scores of two sets."""

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall(
    real: Array, fake: Array, *, k: int = NEAR, splits: int = SPLITS, seed: int = 0
) -> PrecisionRecall:
    """Do fakes lie in the real manifold (precision), do reals lie in the fake manifold (recall)?

    precision = share of fakes y with ‖y−x‖ ≤ r_k(x) for some real x; r_k(x) is the distance of x to its k-th
    nearest other real.  recall swaps the sets.  real (n, d), fake (m, d) → shares in [0, 1], higher is
    better.  One outlier makes a large ball: see `density_coverage`.  Wilson's intervals for the standard error from
    `splits` splits; see above.  Raises ValueError for bad input and for k or fewer rows.
    """
    x, y = pair(real, fake, rows=k + 1)
    return _estimates(_Surroundings(x, y, k, k), splits, seed)[0]


def density_coverage(
    real: Array, fake: Array, *, k: int = AROUND, splits: int = SPLITS, seed: int = 0
) -> DensityCoverage:
    """How many real balls hold a fake (density), how many real balls hold any fake (coverage)?

    density = mean over fakes y of #{real x: ‖y−x‖ < r_k(x)}/k, in [0, ∞), about 1 for equal distributions
    (exactly 1 for an identical set without ties).  coverage = share of reals x with a fake closer than
    r_k(x), in [0, 1], expected 1 − 2⁻ᵏ for equal distributions and sizes.  Higher is better.  real (n, d),
    fake (m, d).  Balls are open as in the authors' code, but hold their own centre: a real point with k
    duplicates has r_k = 0 and is still found by a copy.  Intervals: value ± 1.96·sd and Wilson's for the standard error
    from `splits` splits; see above.  Raises ValueError for bad input and for k or fewer real rows.
    """
    x, y = pair(real, fake, rows=1)
    if len(x) <= k:
        raise ValueError(f"real: {len(x)} rows, expected more than k={k}")
    return _estimates(_Surroundings(x, y, 0, k), splits, seed)[1]


def manifold_estimates(
    real: Array, fake: Array, *, splits: int = SPLITS, seed: int = 0
) -> tuple[PrecisionRecall, DensityCoverage]:
    """`precision_recall` and `density_coverage` with their k = 3 and 5, at the cost of one of them."""
    return _estimates(_both(real, fake), splits, seed)


class ManifoldReplicates(NamedTuple):
    """The four scores of two sets, and of each (b,) replicates that scatter around it as it does itself."""

    values: Manifolds
    replicates: tuple[Floats, Floats, Floats, Floats]


def manifolds(real: Array, fake: Array) -> Manifolds:
    """The values of `precision_recall` and `density_coverage`, from one pass over the pairs of the two sets.

    Raises ValueError as they do.
    """
    return _both(real, fake, parts=False).values


def manifold_replicates(real: Array, fake: Array, real_keys: Array, fake_keys: Array) -> ManifoldReplicates:
    """`manifolds` with replicates, real_keys (b, n) and fake_keys (b, m): on one side of the b-th split are
    the elements with the least keys.  Two models with the same real_keys can be compared in pairs.

    A replicate is the score moved by half the difference of the two halves, whose variance is half that of a half,
    times a scale: a share of p varies by p(1−p), a density by its square, and halves have other scores than the whole,
    most of all where they hold few elements of a cluster.

    Raises ValueError as `manifolds` does.  Replicates are NaN where a half has too few elements.
    """
    around = _both(real, fake)
    return ManifoldReplicates(around.values, around.replicates(real_keys, fake_keys))


def _both(real: Array, fake: Array, *, parts: bool = True) -> "_Surroundings":
    x, y = pair(real, fake, rows=NEAR + 1)
    if len(x) <= AROUND:
        raise ValueError(f"real: {len(x)} rows, expected more than k={AROUND}")
    return _Surroundings(x, y, NEAR, AROUND, parts=parts)


def _estimates(around: "_Surroundings", splits: int, seed: int) -> tuple[PrecisionRecall, DensityCoverage]:
    rng, (n, m) = np.random.default_rng(seed), around.sizes
    replicates = around.replicates(rng.random((splits, n)), rng.random((splits, m)))
    errors, found = Manifolds(*(float(np.std(each, ddof=1)) for each in replicates)), around.values
    return (
        PrecisionRecall(
            wilson_interval(found.precision, errors.precision, m),
            wilson_interval(found.recall, errors.recall, n),
        ),
        DensityCoverage(
            spread_interval(found.density, errors.density, m, least=0.0),
            wilson_interval(found.coverage, errors.coverage, n),
        ),
    )


def _radii(of: Near, k: int, side: np.ndarray) -> Floats:
    """To the k-th neighbour on the own side of each, side (n,), or to the last that is known."""
    among = np.cumsum(side[of.rows] == side[:, None], axis=1, dtype=np.int32)
    place = np.where(among[:, -1] >= k, (among >= k).argmax(axis=1), -1)
    radii: Floats = of.distances[np.arange(len(side)), place]
    return radii


class _Surroundings:
    """Neighbours within x (n, d) and within y (m, d), and pairs of the two: what the scores of both and of parts need.

    near, around: the k of precision and recall, and of density and coverage; without the first these are NaN.
    parts: whether what the scores of parts need is kept.
    """

    def __init__(self, x: Floats, y: Floats, near: int, around: int, *, parts: bool = True) -> None:
        self.near, self.around, self.sizes = near, around, (len(x), len(y))
        ks = [k for k in (near, around) if k]
        self.of_x = nearby(x, ks, min(DEPTH * max(ks), len(x) - 1))
        self.of_y = nearby(y, [near], min(DEPTH * near, len(y) - 1)) if near else None
        balls_x, balls_y = [Balls(self.of_x.radii[around], closed=False)], []
        if self.of_y:
            balls_x.append(Balls(self.of_x.radii[near], closed=True))
            balls_y.append(Balls(self.of_y.radii[near], closed=True))
        reach_y = self.of_y.distances[:, -1] if self.of_y else np.full(len(y), -np.inf)
        reach = Reach(self.of_x.distances[:, -1], reach_y) if parts else None
        counts, self.pairs = held(x, y, balls_x, balls_y, reach=reach)
        reached = [float((each.points > 0).mean()) for each in counts[1:]] or [np.nan, np.nan]
        density, coverage = float(counts[0].points.mean() / around), float((counts[0].balls > 0).mean())
        self.values = Manifolds(reached[0], reached[1], density, coverage)

    def replicates(self, real_keys: Array, fake_keys: Array) -> tuple[Floats, Floats, Floats, Floats]:
        if min(self.sizes) // 2 <= max(self.near, self.around) or self.pairs is None:
            nothing = np.full(len(real_keys), np.nan)
            return nothing, nothing, nothing, nothing
        sides = zip(first_halves(real_keys), first_halves(fake_keys), strict=True)
        scores = np.array([self._of_halves(*side) for side in sides])  # (b, 2, 4)
        precision, recall, density, coverage = (
            value + _scale(value, float(both.mean()), bounded) * (both[:, 0] - both[:, 1]) / 2
            for value, both, bounded in zip(
                self.values, np.moveaxis(scores, 2, 0), (True, True, False, True), strict=True
            )
        )
        return precision, recall, density, coverage

    def _of_halves(self, real: np.ndarray, fake: np.ndarray) -> list[Manifolds]:
        """The scores of the elements (n,) and samples (m,) of one side, and those of the rest, by their pairs alone."""
        assert self.pairs is not None
        together = np.flatnonzero(real[self.pairs.centres] == fake[self.pairs.points])
        i, j = self.pairs.centres[together], self.pairs.points[together]
        distance = self.pairs.distances[together]
        inside = Balls(_radii(self.of_x, self.around, real), closed=False).hold(i, distance)
        counted, covered = fake[j[inside]], _members(i[inside], len(real))
        if self.of_y is None:
            reached = back = None
        else:
            closed = Balls(_radii(self.of_x, self.near, real), closed=True).hold(i, distance)
            reached = _members(j[closed], len(fake))
            back_balls = Balls(_radii(self.of_y, self.near, fake), closed=True)
            back = _members(i[back_balls.hold(j, distance)], len(real))
        found = []
        for side in (True, False):
            x, y = real == side, fake == side
            n, m = np.count_nonzero(x), np.count_nonzero(y)
            found.append(
                Manifolds(
                    np.nan if reached is None else np.count_nonzero(reached & y) / m,
                    np.nan if back is None else np.count_nonzero(back & x) / n,
                    np.count_nonzero(counted == side) / (self.around * m),
                    np.count_nonzero(covered & x) / n,
                )
            )
        return found


def _scale(value: float, halves: float, bounded: bool) -> float:
    """By how much more the whole scatters than a half, but for its size."""
    if not bounded:
        return value / halves if halves > 0 else 1.0
    there = halves * (1 - halves)
    return float((value * (1 - value) / there) ** 0.5) if there > 0 else 1.0


def _members(rows: Integers, size: int) -> np.ndarray:
    met = np.zeros(size, bool)
    met[rows] = True
    return met
