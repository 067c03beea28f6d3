"""How samples are compared with held-out data: over two folds, and over resamplings that two runs have in common.

Held-out data is split by index parity, and sample i is compared only with held-out elements of the other fold.  For a
generative model this changes nothing but N; for the `real` control, whose sample i *is* held-out element i, it makes
the comparison honest, so that its row is what perfect samples would score.

Beside each estimate stand its bootstrap replicates.  The resamplings of the held-out elements are the same for every
run of a dataset, so that two runs can be compared on the same ones; those of the samples are the run's own.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from genbench.scoring.estimates import Estimate, clopper_pearson, mean_interval, resamplings
from genbench.scoring.metrics.arrays import Floats

FOLDS = 2
RESAMPLINGS = 100


class Draws(NamedTuple):
    """How often each held-out element (b, n) and each sample (b, m) is drawn in each of b resamplings, fold by fold."""

    real: Floats
    fake: Floats


class Scored(NamedTuple):
    """An estimate and its replicates (b,)."""

    estimate: Estimate
    replicates: Floats


def draws(n: int, m: int, *, real_seed: int, fake_seed: int) -> Draws:
    """Resamplings of n held-out elements and m samples, each fold by itself."""

    def by_fold(size: int, seed: int) -> Floats:
        counts = np.zeros((RESAMPLINGS, size))
        for fold in range(FOLDS):
            part = counts[:, fold::FOLDS]
            part[:] = resamplings(part.shape[1], RESAMPLINGS, seed=seed + fold)
        return counts

    return Draws(by_fold(n, real_seed), by_fold(m, fake_seed))


def share_of(members: np.ndarray, resampled: Floats) -> Scored:
    """The share of ones among 0s and 1s (n,), exact binomial interval; resampled (b, n): how often each is drawn."""
    estimate = clopper_pearson(int(members.sum()), len(members))
    return Scored(estimate, resampled @ members / len(members))


def mean_over(values: np.ndarray, resampled: Floats, *, least: float = -math.inf) -> Scored:
    """The mean of values (n,) that are no less than `least`, normal interval; resampled (b, n) as of `share_of`."""
    return Scored(mean_interval(values, least=least), resampled @ values / len(values))


def crossed(score: Callable[[Any, Any], Estimate], held_out: Any, samples: Any) -> Estimate:
    """The mean of score(held_out fold, samples of the other fold) over both ways.

    The folds share no element, so the standard errors add as of independent values.
    """
    folds = [score(held_out[1 - fold :: FOLDS], samples[fold::FOLDS]) for fold in range(FOLDS)]
    return mean_of(folds)


def crossed_scores(
    score: Callable[[slice, slice, Draws], dict[str, Scored]], drawn: Draws
) -> dict[str, Scored]:
    """Means over both folds of score(rows of held-out data, rows of samples of the other fold, their resamplings)."""
    found = []
    for fold in range(FOLDS):
        own, other = slice(fold, None, FOLDS), slice(1 - fold, None, FOLDS)
        found.append(score(other, own, Draws(drawn.real[:, other], drawn.fake[:, own])))
    return {
        name: Scored(
            mean_of([fold[name].estimate for fold in found]),
            np.mean([fold[name].replicates for fold in found], axis=0),
        )
        for name in found[0]
    }


def mean_of(folds: Sequence[Estimate]) -> Estimate:
    """Mean value, total n, and the interval of a mean of independent estimates."""
    value = math.fsum(fold.value for fold in folds) / len(folds)
    below = math.sqrt(math.fsum((fold.value - fold.low) ** 2 for fold in folds)) / len(folds)
    above = math.sqrt(math.fsum((fold.high - fold.value) ** 2 for fold in folds)) / len(folds)
    return Estimate(value, value - below, value + above, sum(fold.n for fold in folds))
