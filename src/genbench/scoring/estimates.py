"""The result of every metric: a value, its 95 % interval and the number of samples behind it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Z95 = 1.959963984540054  # the 97.5 % quantile of the standard normal
LEAST = 0.6  # of the variance from terms of second order that an estimate of all keeps, chosen by measured coverage


class Estimate(NamedTuple):
    """A number with its 95 % interval [low, high], and the number n of samples it was computed from.

    n counts generated samples; for recall, coverage and likelihoods real ones.  The docstring of each metric
    says how its interval is made and what it holds fixed.  `low` and `high` are NaN where no interval was computed.

    seeds: over how many trainings the value is a mean; of more than one, `low` and `high` are one standard deviation
    below and above it, in place of the interval.
    """

    value: float
    low: float
    high: float
    n: int
    seeds: int = 1

    @classmethod
    def alone(cls, value: float, n: int = 1) -> "Estimate":
        """A number without an interval."""
        return cls(value, math.nan, math.nan, n)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Estimate | None":
        """What `as_dict` gave; None where the value was not finite.  Missing ends of an interval become NaN."""
        value, low, high = (
            math.nan if record.get(key) is None else float(record[key]) for key in ("value", "low", "high")
        )
        return None if math.isnan(value) else cls(value, low, high, int(record.get("n") or 0))

    def as_dict(self) -> dict[str, float | int | None]:
        """value, low, high and n as JSON has them: what is not finite becomes None."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        return {key: x if math.isfinite(x) else None for key, x in numbers.items()} | {"n": self.n}

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def interval(self) -> tuple[float, float]:
        """The interval, or the value alone where there is none."""
        return (self.low, self.high) if self.has_interval else (self.value, self.value)

    def scaled(self, factor: float) -> "Estimate":
        """In another unit: value and interval times a factor of 0 or more."""
        return self._replace(value=self.value * factor, low=self.low * factor, high=self.high * factor)


class Measurement(NamedTuple):
    """An estimate that stands in no catalogue, and so says itself what it means and which way is better."""

    estimate: Estimate
    meaning: str
    better: Literal["up", "down"] | None = None

    def as_dict(self) -> dict[str, Any]:
        return {**self.estimate.as_dict(), "meaning": self.meaning, "better": self.better}


def over_seeds(estimates: Sequence[Estimate]) -> Estimate:
    """Mean ± standard deviation over seeds, n − 1 in its denominator; one seed alone keeps its value and interval."""
    if len(estimates) == 1:
        return estimates[0]
    values = np.array([e.value for e in estimates])
    with np.errstate(invalid="ignore"):  # of infinite values
        mean, deviation = float(values.mean()), float(values.std(ddof=1))
    return Estimate(mean, mean - deviation, mean + deviation, estimates[0].n, len(values))


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


def spread(linear: Floats, rest: Floats | None = None) -> float:
    """Standard deviation of a score from replicates (b,): of a linear one, or of one that has terms of second order.

    linear: the score moved to first order by the influence of each drawn element.  rest: what the score of the
    resampled sets has beside that.  Of a score with σ₁² and σ₂² from terms of first and of second order, influences
    are taken at the sample, so that Var(linear) is about σ₁² + 2σ₂², while Var(rest) is about σ₂² (Hoeffding, 1948;
    Efron & Stein, 1981, doi:10.1214/aos/1176345462): the result is that of `both_orders`.
    A plain bootstrap has σ₁² + 3σ₂², √3 times too wide where σ₁ = 0, as between equal distributions.
    Raises ValueError for fewer than two replicates.
    """
    if len(linear) < 2:
        raise ValueError(f"bootstrap: {len(linear)} replicates, expected at least 2")
    first = float(np.var(linear, ddof=1))
    if rest is None:
        return math.sqrt(first)
    second = float(np.var(rest, ddof=1))
    return float(both_orders(first - 2 * second, second))


def both_orders(first: ArrayLike, second: ArrayLike) -> Floats:
    """√(σ₁² + σ₂²) of estimated σ₁², which may be negative, and σ₂² (…): no less than √(LEAST σ₂²).

    Between equal distributions σ₁ is 0 and its estimate scatters around that: cut at 0 the interval would be too wide,
    not cut it would vanish at times.
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return np.sqrt(np.maximum(np.maximum(one + other, LEAST * other), 0.0))


def first_halves(keys: ArrayLike) -> NDArray[np.bool_]:
    """Of each row of keys (b, n) the ⌊n/2⌋ elements with the least: one side of b splits by chance, (b, n)."""
    order = np.asarray(keys)
    half = order.shape[1] // 2
    first = np.zeros(order.shape, bool)
    np.put_along_axis(first, np.argpartition(order, half, axis=1)[:, :half], True, axis=1)
    return first


class Replicates(NamedTuple):
    """A score of two sets, and how it scatters under b resamplings of them.

    linear: (b,) the value, moved to first order by each element's influence.  rest: (b,) what the score of the
    resampled sets has beside that.  See `spread`.
    """

    value: float
    linear: Floats
    rest: Floats


def resamplings(n: int, count: int, *, seed: int) -> NDArray[np.float64]:
    """How often each of n rows is drawn in each of `count` bootstrap resamplings of n rows: (count, n)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, np.full(n, 1 / n), size=count).astype(np.float64)


def difference_interval(one: Floats, other: Floats, n: int) -> Estimate:
    """mean(one) − mean(other) of two independent samples, ± 1.96 · (the standard error of that difference)."""
    error = math.sqrt(float(one.var(ddof=1)) / len(one) + float(other.var(ddof=1)) / len(other))
    return spread_interval(float(one.mean() - other.mean()), error, n)


def mean_interval(values: ArrayLike, *, least: float = -math.inf, most: float = math.inf) -> Estimate:
    """Mean of n independent values with the normal interval mean ± 1.96·s/√n.  Of one value: ± ∞."""
    x = np.asarray(values, dtype=np.float64)
    if x.size == 0:
        raise ValueError("values: none, expected at least 1")
    sd = float(x.std(ddof=1)) / math.sqrt(x.size) if x.size > 1 else math.inf
    return spread_interval(float(x.mean()), sd, x.size, least=least, most=most)


def wilson_interval(share: float, sd: float, n: int) -> Estimate:
    """A share of n elements with standard error sd and Wilson's 95 % interval (JASA 22, 1927) for it.

    The interval is that of a binomial share of as many independent elements as would have this error,
    share·(1−share)/sd²; n where the share is 0 or 1 or has no error.  Unlike share ± 1.96·sd it stays within [0, 1],
    and holds more than the value where the value is 0 or 1.  No interval where sd is NaN.
    """
    if math.isnan(sd):
        return Estimate.alone(float(share), n)
    scatter = share * (1 - share)
    size = scatter / sd**2 if scatter > 0 and sd > 0 else float(n)
    middle, weight = share + Z95**2 / (2 * size), 1 + Z95**2 / size
    half = Z95 * math.sqrt(scatter / size + (Z95 / (2 * size)) ** 2)
    low, high = max((middle - half) / weight, 0.0), min((middle + half) / weight, 1.0)
    return Estimate(float(share), min(low, float(share)), max(high, float(share)), int(n))


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
