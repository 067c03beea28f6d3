"""Which elements a training step sees: a function of (seed, step) alone, so that a resumed run sees the same."""

import numpy as np
import torch
from torch import Generator, Tensor

from genbench.core import Batch, Splits
from genbench.data import Prepared
from genbench.machine import seed_of


def splits_of(data: Prepared, device: torch.device) -> Splits:
    """Prepared data as models see it: elements with what they are conditioned on, if anything."""
    space = data.space

    def batch(x: np.ndarray, y: np.ndarray, source: np.ndarray | None) -> Batch:
        elements = space.to_unit(torch.from_numpy(x).to(device))
        if source is not None:
            return Batch(elements, space.to_unit(torch.from_numpy(source).to(device)))
        return Batch(elements, torch.from_numpy(y).to(device) if space.classes else None)

    return Splits(
        batch(data.train_x, data.train_y, data.train_source),
        batch(data.held_out_x, data.held_out_y, data.held_out_source),
    )


def batch_of_step(data: Batch, step: int, size: int, seed: int) -> Batch:
    """The batch of one step: random permutations of the data laid end to end, cut every `size`."""
    n = len(data.x)
    positions = range(step * size, (step + 1) * size)
    epochs = range(positions[0] // n, positions[-1] // n + 1)
    order = torch.cat([_permutation(n, seed, epoch) for epoch in epochs])
    first = positions[0] - epochs[0] * n
    index = order[first : first + size].to(data.x.device)
    return Batch(data.x[index], None if data.condition is None else data.condition[index])


_permutations: dict[tuple[int, int, int], Tensor] = {}


def _permutation(n: int, seed: int, epoch: int) -> Tensor:
    key = (n, seed, epoch)
    if key not in _permutations:
        if len(_permutations) > 64:
            _permutations.clear()
        generator = Generator().manual_seed(seed_of(seed, "epoch", epoch))
        _permutations[key] = torch.randperm(n, generator=generator)
    return _permutations[key]
