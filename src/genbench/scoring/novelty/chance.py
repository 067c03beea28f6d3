"""How many of m new samples a conformal threshold flags by chance, its own noise counted.

The threshold is the k-th smallest of h held-out distances.  Where samples are as new as held-out data, all m + h are
exchangeable, and how many samples lie below it has the beta-binomial law of parameters m, k and h + 1 − k: the share
that the threshold cuts off is itself drawn, from Beta(k, h + 1 − k) (Vovk, 2012, arXiv:1209.2673; Bates et al., 2023,
arXiv:2104.08279).  A binomial interval around the rate takes that share for its mean: of new samples it then finds
more suspicious than it says.  All systems of a table share one threshold, so their counts rise and fall together.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from genbench.scoring.arrays import Floats
from genbench.scoring.estimates import Estimate

NODES = np.linspace(-7, 7, 113)  # standard normal quantiles at which laws of shares are summed
LEVEL = 0.05  # chance that any system of a table is called suspicious though all are new
SHARES = (0.01, 0.03, 0.10)  # of exact copies, for which the power is stated


class Fold(NamedTuple):
    """samples: m that are held against one threshold.  held_out: h.  rank: k; of the h no more than k − 1 lie below."""

    samples: int
    held_out: int
    rank: int


def fold_of(held_out: Floats, samples: int, quantile: float) -> Fold:
    """The threshold of `calibrate_distances`.

    Where held-out elements that repeat a training element exactly are as many as the rank, only such samples are
    flagged: as if the next held-out element were the threshold, which makes the test that of Fisher on duplicates.
    """
    rank = int(np.floor(quantile * (len(held_out) + 1) + 1e-9))
    return Fold(samples, len(held_out), min(max(rank, int((held_out == 0).sum()) + 1), len(held_out)))


@lru_cache(maxsize=64)
def cut_off(folds: tuple[Fold, ...]) -> tuple[Floats, Floats]:
    """The law of the share of new samples that is flagged: values, and their weights, which sum to 1.

    Over two folds that share is a mean of two independent ones.
    """
    from scipy.special import betaincinv, ndtr

    density = np.exp(-0.5 * NODES**2)
    total = sum(fold.samples for fold in folds)
    shares, weights = np.zeros(1), np.ones(1)
    for fold in folds:
        own = betaincinv(fold.rank, fold.held_out + 1 - fold.rank, ndtr(NODES))
        shares = np.add.outer(shares, fold.samples / total * own).ravel()
        weights = np.outer(weights, density / density.sum()).ravel()
    return shares, weights


def chance_of(flagged: int, folds: Sequence[Fold], *, systems: int = 1) -> float:
    """The probability that of so many systems, all as new as held-out data, at least one has that many flagged.

    Over one fold exact, up to the sum that stands for an integral.  Over two, binomial about the mean of both shares,
    whose upper tail is no smaller than the sum's (Hoeffding, 1956).
    """
    from scipy.stats import binom

    total = sum(fold.samples for fold in folds)
    shares, weights = cut_off(tuple(folds))
    above = np.minimum(binom.sf(flagged - 1, total, shares), 1 - 1e-16)
    return float(-np.expm1(systems * np.log1p(-above)) @ weights)


def least_suspicious(folds: Sequence[Fold], *, systems: int = 1, level: float = LEVEL) -> int:
    """The smallest number of flagged samples whose chance is no more than the level."""
    return _least(tuple(folds), systems, level)


@lru_cache(maxsize=64)
def _least(folds: tuple[Fold, ...], systems: int, level: float) -> int:
    low, high = 0, sum(fold.samples for fold in folds) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if chance_of(middle, folds, systems=systems) <= level else (middle, high)
    return high


def verdict(rate: Estimate, chance: float, *, level: float) -> str:
    """ "copies" where the rate's interval lies above one half, "suspicious" where chance is no more than the level."""
    if rate.interval[0] > 0.5:
        return "copies"
    return "suspicious" if chance <= level else "novel"


def power(share: float, folds: Sequence[Fold], *, systems: int = 1, level: float = LEVEL) -> float:
    """The probability that a system is found of which each sample is an exact copy with that probability."""
    from scipy.stats import binom

    least, total = least_suspicious(folds, systems=systems, level=level), sum(fold.samples for fold in folds)
    shares, weights = cut_off(tuple(folds))
    return float(binom.sf(least - 1, total, share + (1 - share) * shares) @ weights)
