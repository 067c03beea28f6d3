"""What a model measures of itself."""

import torch
from torch import Generator

from genbench.capabilities import Measured, capability
from genbench.core import GenerativeModel, Splits
from genbench.scoring.estimates import Estimate, Measurement, mean_interval


@torch.no_grad()
def measures(model: GenerativeModel, splits: Splits, rng: Generator) -> dict[str, Measurement]:
    """Title -> measurement: the mean of several values with its interval, or one value alone; none for other models."""
    measured = capability(model, Measured)
    if measured is None:
        return {}
    found = {}
    for title, (values, meaning, better) in measured.measure(splits, rng=rng).items():
        array = values.double().flatten().cpu().numpy()
        estimate = mean_interval(array) if len(array) > 1 else Estimate.alone(float(array[0]))
        found[title] = Measurement(estimate, meaning, better)
    return found
