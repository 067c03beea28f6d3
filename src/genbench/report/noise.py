"""Is a difference between two rows more than noise? The rule behind the marks; see docs/evaluation.md."""

from math import sqrt

import numpy as np
from scipy.special import stdtrit

from genbench.report.results import Row


def within_noise(name: str, a: Row, b: Row) -> bool:
    """Whether the difference of a score between two rows lies within noise at 95 %.

    Over seeds where a row has several: two-sample t, the variance pooled over the rows that have one.
    Between single runs: the paired bootstrap, or without replicates in common whether the 95 % intervals overlap.
    """
    one, other = (np.array([run.estimates[name].value for run in row.having(name)]) for row in (a, b))
    difference = abs(float(one.mean() - other.mean()))
    if len(one) > 1 or len(other) > 1:
        return difference <= least_difference(one, other)
    spread = paired_spread(*(row.having(name)[0].replicates.get(name) for row in (a, b)))
    if spread is not None:
        return difference <= 1.96 * spread
    (low, high), (least, most) = a.estimates[name].interval, b.estimates[name].interval
    return low <= most and least <= high


def least_difference(a: np.ndarray, b: np.ndarray) -> float:
    """t(0.975, Σ(k−1)) · s · √(1/k_a + 1/k_b) for values over seeds, (k_a,) and (k_b,), one of them of two or more.

    s² = Σ Σ (x − x̄)² / Σ (k−1), pooled over both: Student's two-sample t test.
    """
    freedom = len(a) + len(b) - 2
    squares = sum(float(((x - x.mean()) ** 2).sum()) for x in (a, b))
    return float(stdtrit(freedom, 0.975)) * sqrt(squares / freedom * (1 / len(a) + 1 / len(b)))


def paired_spread(a: np.ndarray | None, b: np.ndarray | None) -> float | None:
    """Standard deviation of the paired differences of replicates (B,); None without such pairs."""
    if a is None or b is None or len(a) != len(b) or len(a) < 2:
        return None
    spread = float(np.std(a - b, ddof=1))
    return spread if np.isfinite(spread) else None
