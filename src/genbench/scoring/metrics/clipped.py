"""Clipped density and clipped coverage (Salvy et al., 2025), arXiv:2507.01761: equivalent shares of good samples.

Density and coverage whose outliers cannot make up for other samples, on a scale on which a set of samples of which a
share s is drawn from the data and the rest lies far off scores s.
"""

from typing import NamedTuple

import numpy as np

from genbench.scoring.arrays import Array, Floats, pair
from genbench.scoring.estimates import Estimate, mean_interval
from genbench.scoring.neighbours import ball_counts, nearest, nearest_others


class Clipped(NamedTuple):
    """Both are about 1 for samples of the data's own distribution, and 0 for samples far off; higher is better."""

    density: Estimate
    coverage: Estimate


class _Members(NamedTuple):
    """The terms of both scores: fakes (m,), over the mean of real ones already; reals (n,), not yet calibrated."""

    fakes: Floats
    reals: Floats
    good: Floats  # f of 0, 1, … m good samples: what the mean of `reals` is then expected to be


def clipped_density_coverage(real: Array, fake: Array, *, k: int = 5) -> Clipped:
    """real (n, d), fake (m, d).  Intervals: normal over the m fakes, and over the n reals, the other set held fixed.

    Raises ValueError for bad input, for k or fewer real rows, and for fewer than k fakes.
    """
    members = _members(real, fake, k=k)
    covered = mean_interval(members.reals, least=0.0, most=1.0)
    low, high = (float(calibrated(np.array([end]), members.good)[0]) for end in covered.interval)
    value = float(calibrated(np.array([covered.value]), members.good)[0])
    density = mean_interval(members.fakes, least=0.0)
    density = density._replace(**{end: min(1.0, getattr(density, end)) for end in ("value", "low", "high")})
    return Clipped(density, Estimate(value, low, high, covered.n))


def _members(real: Array, fake: Array, *, k: int = 5) -> _Members:
    """Density: a fake counts min(1, balls around it / k), over the mean of what a real one counts in others' balls.

    Balls are closed and reach to the k-th other real, but no farther than the median of these radii.  Coverage: a real
    counts the share of its k nearest fakes that are closer than its own k-th other real.  With g good samples of m, and
    as many as n reals, that many of them lie in a ball as a beta-binomial variable says, which gives `good`.
    """
    x, y = pair(real, fake, rows=k)
    if len(x) <= k:
        raise ValueError(f"real: {len(x)} rows, expected more than k={k}")
    radii = nearest_others(x, k=k)[0][:, -1]
    short = np.minimum(radii, np.median(radii))
    around = np.minimum(1.0, ball_counts(x, short, y, closed=True) / k)
    own = np.minimum(1.0, (ball_counts(x, short, x, closed=True) - 1) / k)
    closest = nearest(y, x, k=k)[0]
    return _Members(
        around / own.mean(), (closest < radii[:, None]).mean(axis=1), expected(len(x), len(y), k=k)
    )


def expected(n: int, m: int, *, k: int) -> Floats:
    """E[min(j, k)] / k for j ~ BetaBinomial(g; k, n − k) and g = 0 … m, ascending (paper, theorem 1): (m + 1,)."""
    from scipy.special import betaln, gammaln

    good = np.arange(m + 1.0)
    missing = np.zeros(m + 1)
    for j in range(k):  # P(j), and what j lacks of k
        some = good >= j
        rest = good[some] - j
        ways = gammaln(good[some] + 1) - gammaln(j + 1) - gammaln(rest + 1)
        missing[some] += (k - j) * np.exp(ways + betaln(k + j, n - k + rest) - betaln(k, n - k))
    return np.asarray(1 - missing / k, np.float64)


def calibrated(values: Floats, good: Floats) -> Floats:
    """The share of good samples that would make the mean of `reals` what it is, at most 1."""
    shares: Floats = np.interp(values, good, np.arange(len(good)) / (len(good) - 1))
    return shares
