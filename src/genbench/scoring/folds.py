"""The two folds of every comparison with held-out data.

Held-out data is split by index parity, and sample i is compared only with held-out images of the other fold.  For a
generative model this changes nothing but N; for the `real` control, whose sample i *is* held-out image i, it makes the
comparison honest, so that its row is what perfect samples would score.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from genbench.scoring.metrics import Estimate

FOLDS = 2


def crossed(score: Callable[[Any, Any], Estimate], held_out: Any, samples: Any) -> Estimate:
    """The mean of score(held_out fold, samples of the other fold) over both ways.

    The folds share no image, so the standard errors add as of independent values.
    """
    folds = [score(held_out[1 - fold :: FOLDS], samples[fold::FOLDS]) for fold in range(FOLDS)]
    return mean_of(folds)


def mean_of(folds: Sequence[Estimate]) -> Estimate:
    """Mean value, total n, and the interval of a mean of independent estimates."""
    value = math.fsum(fold.value for fold in folds) / len(folds)
    below = math.sqrt(math.fsum((fold.value - fold.low) ** 2 for fold in folds)) / len(folds)
    above = math.sqrt(math.fsum((fold.high - fold.value) ** 2 for fold in folds)) / len(folds)
    return Estimate(value, value - below, value + above, sum(fold.n for fold in folds))
