"""Whether a series comes back: Fisher's test for a hidden period, and the autocorrelation at its return."""

import math
from typing import NamedTuple

import numpy as np

from genbench.scoring.arrays import Array, Floats, floats


class Period(NamedTuple):
    """g: the share of the periodogram's largest ordinate.  p: of a g as large, of white noise.  length: in steps."""

    g: float
    p: float
    length: float


def fisher_g(series: Array, *, cycles: int = 1) -> Period:
    """Fisher's test for a period (Proc. R. Soc. A 125:54, 1929): g = max_j I_j / Σ_j I_j.

    series (n,), n ≥ 8, from which a straight line is taken off; I_j is its periodogram at j/n, `cycles` ≤ j < n/2.  Of
    m ordinates of Gaussian white noise P(g > x) = Σ_{j ≥ 1, jx < 1} (−1)^{j−1} C(m, j) (1 − jx)^{m−1}.  A series
    without any variation has g = 0, p = 1.  Raises ValueError for bad input or no frequency left.
    """
    x = detrended(series)
    power = np.abs(np.fft.rfft(x)[cycles : (len(x) + 1) // 2]) ** 2
    m, total = len(power), float(power.sum())
    if m < 1:
        raise ValueError(f"cycles: {cycles} in {len(x)} values, expected fewer than half as many")
    if total <= 1e-24:
        return Period(0.0, 1.0, math.inf)
    j = int(power.argmax())
    g = float(power[j] / total)
    return Period(g, fisher_p(g, m), len(x) / (j + cycles))


def fisher_p(g: float, m: int) -> float:
    """P(G ≥ g), 0 < g ≤ 1, for the largest of m ordinates of white noise over their sum."""
    terms = range(1, min(m, max(1, math.ceil(1 / g) - 1)) + 1)
    p = math.fsum((-1) ** (i - 1) * math.comb(m, i) * max(0.0, 1 - i * g) ** (m - 1) for i in terms)
    return min(max(p, 0.0), 1.0)


def detrended(series: Array) -> Floats:
    """(n,) or (n, k) less the straight line of least squares through each column.  Raises ValueError for n < 8."""
    x = floats(series, "series", ndim=np.ndim(series), rows=8)
    t = np.arange(len(x)) - (len(x) - 1) / 2
    slope = (t @ x) / (t @ t)
    rest: Floats = x - x.mean(0) - np.multiply.outer(t, slope)
    return rest


def prewhitened(series: Array) -> Floats:
    """x_t − φ x_{t−1} of the detrended series (n,), φ its first autocorrelation: (n − 1,).

    A series that drifts, as the weights of a network do, has most of its power in slow waves; what is left here is flat
    unless it has a period.
    """
    x = detrended(series)
    power = float(x @ x)
    phi = float(x[1:] @ x[:-1]) / power if power > 0 else 0.0
    rest: Floats = x[1:] - phi * x[:-1]
    return rest


def returning(series: Array) -> tuple[float, int]:
    """The largest autocorrelation after the first below 0, and its lag, up to half of the length; 0, 0 for none.

    series (n, k): the autocorrelation of detrended rows is Σ_t x_t·x_{t+l} / Σ_t x_t·x_t.
    """
    x = detrended(series)
    x = x if x.ndim == 2 else x[:, None]
    power = float((x * x).sum())
    if power <= 1e-24:
        return 0.0, 0
    found = np.array([float((x[lag:] * x[: len(x) - lag]).sum()) / power for lag in range(len(x) // 2 + 1)])
    below = np.flatnonzero(found < 0)
    if not len(below) or below[0] + 1 >= len(found):
        return 0.0, 0
    lag = int(below[0] + 1 + found[below[0] + 1 :].argmax())
    return (float(found[lag]), lag) if found[lag] > 0 else (0.0, 0)
