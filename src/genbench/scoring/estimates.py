"""The result of every metric: a value, its 95 % interval and the number of samples behind it."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = 1.959963984540054  # the 97.5 % quantile of the standard normal


class Estimate(NamedTuple):
    """A number with its 95 % interval [low, high], and the number n of samples judged.

    n counts generated samples; for recall, coverage and likelihoods real ones.  The docstring of each metric
    says how its interval is made and what it holds fixed.
    """

    value: float
    low: float
    high: float
    n: int

    def as_dict(self) -> dict[str, float | int | None]:
        """Plain JSON values; an unbounded end (infinity) becomes None, since JSON has no infinity."""
        plain = {key: x if math.isfinite(x) else None for key, x in zip(self._fields, self, strict=True)}
        return plain | {"n": self.n}


def spread_interval(
    value: float, sd: float, n: int, *, least: float = -math.inf, most: float = math.inf
) -> Estimate:
    """value ± 1.96·sd, cut to the range [least, most] that the quantity can take."""
    low, high = value - Z95 * sd, value + Z95 * sd
    return Estimate(float(value), float(max(low, least)), float(min(high, most)), int(n))


def bootstrap_interval(
    value: float, replicates: ArrayLike, n: int, *, least: float = -math.inf, most: float = math.inf
) -> Estimate:
    """value ± 1.96 · (standard deviation of the bootstrap replicates), n−1 in its denominator.

    Percentiles of the replicates are not used: for distances between empirical distributions (FID, Vendi)
    resampling itself adds bias, so that a percentile interval can exclude the value it belongs to.  Source:
    Efron & Tibshirani, An Introduction to the Bootstrap (1993), section 12.  Raises ValueError for fewer than
    two replicates.
    """
    samples = np.asarray(replicates, dtype=np.float64)
    if samples.size < 2:
        raise ValueError(f"bootstrap: {samples.size} replicates, expected at least 2")
    return spread_interval(value, float(samples.std(ddof=1)), n, least=least, most=most)


def resamplings(n: int, count: int, *, seed: int) -> NDArray[np.float64]:
    """How often each of n rows is drawn in each of `count` bootstrap resamplings of n rows: (count, n)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=count).astype(np.float64)


def mean_interval(values: ArrayLike, *, least: float = -math.inf, most: float = math.inf) -> Estimate:
    """Mean of n independent values with the normal interval mean ± 1.96·s/√n.  Of one value: ± ∞."""
    x = np.asarray(values, dtype=np.float64)
    if x.size == 0:
        raise ValueError("values: none, expected at least 1")
    sd = float(x.std(ddof=1)) / math.sqrt(x.size) if x.size > 1 else math.inf
    return spread_interval(float(x.mean()), sd, x.size, least=least, most=most)


def clopper_pearson(successes: float, n: int) -> Estimate:
    """A share successes/n with its exact 95 % binomial interval (Clopper & Pearson, Biometrika 1934).

    `successes` may end in .5, where ties count half.  Raises ValueError unless 0 ≤ successes ≤ n and n ≥ 1.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"successes: {successes} of {n}, expected 0 <= successes <= n and n >= 1")
    from scipy.special import betaincinv

    low = float(betaincinv(successes, n - successes + 1, 0.025)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, n - successes, 0.975)) if successes < n else 1.0
    return Estimate(float(successes / n), low, high, int(n))
