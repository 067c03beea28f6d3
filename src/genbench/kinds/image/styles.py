"""Mixed styles: whose factors does a picture show whose first layers are one code's and whose last are another's?"""

import numpy as np
import torch
from torch import Generator

from genbench.capabilities import StyleMixing
from genbench.core import space_of
from genbench.data.prepared import Prepared
from genbench.extractors.readers import DOMAIN, Readers, Reading
from genbench.kinds.image.answers import Answers, Table
from genbench.scoring.estimates import Estimate, Measurement, mean_interval

PAIRS = 500
DIFFERENT = 0.25  # of the span: how far apart two readings of a continuous factor are to count as different


@torch.no_grad()
def answers(data: Prepared, model: StyleMixing, readers: Readers, *, rng: Generator) -> Answers:
    """For each crossover the share of readable factors that follow the first code, where the two pictures differ."""
    space = space_of(data.card)
    names = [name for name in readers.readable if name != DOMAIN]
    a, b = model.prior(PAIRS, rng=rng), model.prior(PAIRS, rng=rng)
    first, second = (readers(space.stored(model.decode(codes))) for codes in (a, b))
    rows: list[dict[str, np.ndarray]] = []
    for crossover in model.crossovers:
        mixed = readers(space.stored(model.mix(a, b, crossover, rng=rng)))
        rows.append({name: follows(mixed[name], first[name], second[name]) for name in names})
    if not names:
        return Answers({})
    means = [mean_interval(each, least=0.0, most=1.0) for each in map(_by_pair, rows)]
    meaning = (
        "Share of factors read as in the picture of code A rather than in that of code B, where the two differ; "
        "layers before the crossover have the styles of A, the others those of B."
    )
    measures = {
        f"follows A, crossover {crossover}": Measurement(mean, meaning)
        for crossover, mean in zip(model.crossovers, means, strict=True)
    }
    columns = {"mean": means, **{name: [_mean(row[name]) for row in rows] for name in names}}
    return Answers(measures, (Table("Style mixing", meaning, "crossover", model.crossovers, columns),))


def follows(mixed: Reading, first: Reading, second: Reading) -> np.ndarray:
    """(n,): 1 where the mixed picture reads closer to the first, 0 to the second, ½ as close; NaN where those agree."""
    near, far = mixed.distance(first), mixed.distance(second)
    continuous = first.probabilities is None
    differ = first.distance(second) > DIFFERENT if continuous else first.values != second.values
    return np.where(differ, (near < far) + (near == far) / 2, np.nan)


def _by_pair(row: dict[str, np.ndarray]) -> np.ndarray:
    """The mean over the factors in which a pair differs, of the pairs that differ in any."""
    values = np.stack(list(row.values()))
    differ = ~np.isnan(values).all(axis=0)
    return np.asarray(np.nanmean(values[:, differ], axis=0)) if differ.any() else np.full(1, np.nan)


def _mean(values: np.ndarray) -> Estimate:
    known = values[~np.isnan(values)]
    return mean_interval(known, least=0.0, most=1.0) if len(known) > 1 else Estimate.alone(float("nan"), 0)
