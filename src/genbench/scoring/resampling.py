"""How samples are compared with held-out data: over two folds, and over resamplings that two runs have in common.

Held-out data is split by index parity, and sample i is compared only with held-out elements of the other fold.  For a
generative model this changes nothing but N; for the `real` control, whose sample i *is* held-out element i, it makes
the comparison honest, so that its row is what perfect samples would score.

Beside each estimate stand its replicates, whose scatter is the estimate's error.  The resamplings of the held-out
elements are the same for every run of a dataset, so that two runs can be compared on the same ones.  Where there are as
many samples as held-out elements, sample i is drawn as often as held-out element i: pairs of the two are independent
of other pairs, whether a sample has nothing to do with its element, was made from it, or is the element itself.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from genbench.scoring.arrays import Floats
from genbench.scoring.estimates import (
    Estimate,
    clopper_pearson,
    mean_interval,
    resamplings,
    spread,
    spread_interval,
)

FOLDS = 2
RESAMPLINGS = 100
REST = " rest"

Interval = Callable[[float, float, int], Estimate]
"""From a value, its standard deviation and n to an estimate: `spread_interval`, `wilson_interval`, …"""


def not_negative(value: float, sd: float, n: int) -> Estimate:
    """value ± 1.96·sd, no less than 0."""
    return spread_interval(value, sd, n, least=0.0)


def within_unit(value: float, sd: float, n: int) -> Estimate:
    """value ± 1.96·sd, cut to [0, 1]."""
    return spread_interval(value, sd, n, least=0.0, most=1.0)


class Draws(NamedTuple):
    """b resamplings of held-out elements and of samples, fold by fold.

    real (b, n), fake (b, m): how often each element is drawn.  real_keys (b, n), fake_keys (b, m): numbers in whose
    order elements are taken where a score wants a subset without repetition instead.
    """

    real: Floats
    fake: Floats
    real_keys: Floats
    fake_keys: Floats

    def rows(self, real: slice, fake: slice) -> "Draws":
        return Draws(self.real[:, real], self.fake[:, fake], self.real_keys[:, real], self.fake_keys[:, fake])


class Scored(NamedTuple):
    """An estimate and its replicates (b,).

    rest: (b,) where the replicates move to first order only, what the resampled score has beside that; the standard
    deviation of the estimate then is that of `spread`.  interval: makes the interval of a mean over folds.
    """

    estimate: Estimate
    replicates: Floats
    rest: Floats | None = None
    interval: Interval = spread_interval


def draws(n: int, m: int, *, real_seed: int, fake_seed: int) -> Draws:
    """Resamplings of n held-out elements and m samples, each fold by itself; in pairs where n = m."""

    def by_fold(size: int, seed: int) -> tuple[Floats, Floats]:
        counts, keys = np.zeros((RESAMPLINGS, size)), np.zeros((RESAMPLINGS, size))
        for fold in range(FOLDS):
            part = counts[:, fold::FOLDS]
            part[:] = resamplings(part.shape[1], RESAMPLINGS, seed=seed + fold)
            keys[:, fold::FOLDS] = np.random.default_rng([seed, fold]).random(part.shape)
        return counts, keys

    real, real_keys = by_fold(n, real_seed)
    fake, fake_keys = (real, real_keys) if n == m else by_fold(m, fake_seed)
    return Draws(real, fake, real_keys, fake_keys)


def replicates_of(scores: Mapping[str, Scored]) -> dict[str, Floats]:
    """The replicates of scores by their names, and what `rest` there is under name + REST."""
    found = {name: score.replicates for name, score in scores.items()}
    return found | {name + REST: score.rest for name, score in scores.items() if score.rest is not None}


def share_of(members: np.ndarray, resampled: Floats) -> Scored:
    """The share of ones among 0s and 1s (n,), exact binomial interval; resampled (b, n): how often each is drawn."""
    estimate = clopper_pearson(int(members.sum()), len(members))
    return Scored(estimate, resampled @ members / len(members))


def mean_over(values: np.ndarray, resampled: Floats, *, least: float = -math.inf) -> Scored:
    """The mean of values (n,) that are no less than `least`, normal interval; resampled (b, n) as of `share_of`."""
    return Scored(mean_interval(values, least=least), resampled @ values / len(values))


def crossed(score: Callable[[Any, Any], Estimate], held_out: Any, samples: Any) -> Estimate:
    """The mean of score(held_out fold, samples of the other fold) over both ways.

    Of samples that are independent of held-out data: the folds then share nothing, and their errors add as of
    independent values.
    """
    folds = [score(held_out[1 - fold :: FOLDS], samples[fold::FOLDS]) for fold in range(FOLDS)]
    return mean_of(folds)


def crossed_scores(
    score: Callable[[slice, slice, Draws], dict[str, Scored]], drawn: Draws
) -> dict[str, Scored]:
    """Means over both folds of score(rows of held-out data, rows of samples of the other fold, their resamplings).

    The interval comes from the means of the replicates: where samples are held-out elements, as those of `real`, both
    folds are one comparison, and their errors do not cancel.
    """
    found = []
    for fold in range(FOLDS):
        own, other = slice(fold, None, FOLDS), slice(1 - fold, None, FOLDS)
        found.append(score(other, own, drawn.rows(other, own)))
    return {name: _mean_scored([fold[name] for fold in found]) for name in found[0]}


def _mean_scored(folds: Sequence[Scored]) -> Scored:
    value = math.fsum(fold.estimate.value for fold in folds) / len(folds)
    replicates: Floats = np.mean([fold.replicates for fold in folds], axis=0)
    parts = [fold.rest for fold in folds if fold.rest is not None]
    rest = np.mean(parts, axis=0) if parts else None
    interval, n = folds[0].interval, sum(fold.estimate.n for fold in folds)
    return Scored(interval(value, spread(replicates, rest), n), replicates, rest, interval)


def without_interval(estimate: Estimate) -> Scored:
    """A score whose error nothing here measures: its mean over folds has no interval, and no difference gets a mark."""

    def alone(value: float, sd: float, n: int) -> Estimate:
        return Estimate.alone(value, n)

    return Scored(Estimate.alone(estimate.value, estimate.n), np.full(RESAMPLINGS, math.nan), interval=alone)


def mean_of(folds: Sequence[Estimate]) -> Estimate:
    """Mean value, total n, and the interval of a mean of independent estimates."""
    value = math.fsum(fold.value for fold in folds) / len(folds)
    below = math.sqrt(math.fsum((fold.value - fold.low) ** 2 for fold in folds)) / len(folds)
    above = math.sqrt(math.fsum((fold.high - fold.value) ** 2 for fold in folds)) / len(folds)
    return Estimate(value, value - below, value + above, sum(fold.n for fold in folds))
