"""Is a difference between two rows more than noise? The rule behind the marks; see docs/evaluation.md."""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, stdtr

from genbench.report.results import Row
from genbench.scoring.estimates import Z95, both_orders
from genbench.scoring.resampling import REST

LEVEL = 0.05


def different(name: str, rows: Sequence[Row]) -> np.ndarray:
    """Which rows (k,) differ from which in a score that all have, beyond noise: (k, k), symmetric.

    All pairs are compared, because the best of a table is picked from it: the chance that any difference is claimed
    between rows that are equal is at most 5 %, by the method of Holm, Scand. J. Statist. 6 (1979): of M p-values in
    rising order the i-th counts, i from 0, if none before it failed and it is at most 5 %/(M − i).
    """
    p = p_values(name, rows)
    i, j = np.triu_indices(len(rows), 1)
    order = np.argsort(p[i, j], kind="stable")
    holds = np.logical_and.accumulate(p[i, j][order] <= LEVEL / np.arange(len(order), 0, -1))
    found = np.zeros(p.shape, bool)
    found[i[order[holds]], j[order[holds]]] = True
    return found | found.T


@np.errstate(divide="ignore", invalid="ignore")  # of infinite values no difference is known
def p_values(name: str, rows: Sequence[Row]) -> np.ndarray:
    """Two-sided p-values of the differences of a score between rows: (k, k), 1 on the diagonal.

    Where a row of the pair has several seeds: t with the variance pooled over all rows that have several, or over those
    of the pair, if that is more; a single run has no less than the variance of its interval.  The pair alone would
    leave two to four degrees of freedom, by which next to nothing differs among all pairs of a long table.

    Between single runs: the difference over the standard deviation of its replicates, which is that of the intervals
    with what both rows have in common taken out, by a t of as many degrees of freedom as there are replicates less one;
    without common replicates over that of the two intervals.
    """
    values = [np.array([run.estimates[name].value for run in row.having(name)]) for row in rows]
    mean = np.array([x.mean() for x in values])
    gap = np.abs(mean[:, None] - mean)
    error, freedom = _single_errors(name, rows)
    size = np.array([len(x) for x in values])
    squares = np.array([((x - x.mean()) ** 2).sum() for x in values])
    seeds = size[:, None] + size - 2
    variance = np.fmax(squares.sum() / (size - 1).sum(), (squares[:, None] + squares) / seeds)
    own = np.fmax(variance, np.where(size == 1, np.square(_alone(name, rows)), 0)[:, None])
    between = np.sqrt(own / size[:, None] + own.T / size)
    error = np.where(seeds > 0, between, error)
    freedom = np.where(seeds > 0, (size - 1).sum(), freedom)
    t = np.where(gap > 0, gap / error, 0.0)
    p: np.ndarray = 2 * np.where(np.isinf(freedom), ndtr(-t), stdtr(freedom, -t))
    return np.where(np.isnan(p), 1.0, p)


def _single_errors(name: str, rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations of the differences between the first runs of rows, and their degrees of freedom: (k, k)."""
    runs = [row.having(name)[0] for row in rows]
    alone = _alone(name, rows)
    error = np.hypot(alone[:, None], alone)
    freedom = np.full(error.shape, np.inf)
    linear = [run.replicates.get(name, np.empty(0)) for run in runs]
    rest = [run.replicates.get(name + REST, np.zeros(len(x))) for run, x in zip(runs, linear, strict=True)]
    for size in {len(x) for x in linear} - {0, 1}:
        alike = [i for i, x in enumerate(linear) if len(x) == size == len(rest[i]) and np.isfinite(x).all()]
        if len(alike) < 2:
            continue
        first, second = (_of_differences(np.stack([part[i] for i in alike])) for part in (linear, rest))
        error[np.ix_(alike, alike)] = both_orders(first - 2 * second, second)
        freedom[np.ix_(alike, alike)] = size - 1
    return error, freedom


def _alone(name: str, rows: Sequence[Row]) -> np.ndarray:
    """Standard deviations that the intervals of the rows' first runs state: (k,), NaN where there is none."""
    found = [row.having(name)[0].estimates[name] for row in rows]
    return np.array([(each.high - each.low) / (2 * Z95) for each in found])


def _of_differences(replicates: np.ndarray) -> np.ndarray:
    """Variances of the differences between rows of replicates (k, b): (k, k)."""
    covariance = np.atleast_2d(np.cov(replicates))
    own = np.diag(covariance)
    return np.maximum(own[:, None] + own - 2 * covariance, 0.0)
