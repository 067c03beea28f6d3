"""Distances between the pixels of elements and of samples, for what a model says of itself."""

import torch
from torch import Tensor

from genbench.capabilities import Measure
from genbench.scoring.metrics import frechet_value


def pixel_distances(x: Tensor, fakes: dict[str, Tensor]) -> dict[str, Measure]:
    """How far several kinds of samples are from held-out elements x, all (n, *shape), one by one and as a whole."""
    found = {}
    for name, fake in fakes.items():
        near = torch.cdist(fake.flatten(1), x.flatten(1)).min(1).values
        meaning = f"Of samples with {name}: Euclidean distance to the nearest held-out element."
        found[f"distance to data, {name}"] = Measure(near, meaning, "down")
        distance = frechet_value(*(part.flatten(1).double().cpu().numpy() for part in (x, fake)))
        meaning = f"Fréchet distance between the pixels of held-out elements and of samples with {name}."
        found[f"Fréchet distance of pixels, {name}"] = Measure(torch.tensor([distance]), meaning, "down")
    return found
