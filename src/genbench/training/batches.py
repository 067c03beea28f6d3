"""Which elements a training step sees: a function of (seed, step) alone, so that a resumed run sees the same.

A set is held on the device as numbers in [0, 1] where these take no more than HELD bytes.  Of a larger one the elements
stay as they are stored, mapped from the file, and only what is asked for is read and brought to the device: the
batches are the same to the bit.
"""

from collections.abc import Callable, Iterator
from typing import cast

import numpy as np
import torch
from torch import Generator, Tensor

from genbench.core import Batch, Space, Splits
from genbench.data.prepared import Prepared
from genbench.runtime.machine import seed_of
from genbench.storage.arrays import let_go, slices

HELD = 1 << 30  # bytes of a part of the data on the device
SOME = 1 << 28  # bytes of what stands for a part that is not held
VALUES = 1 << 23  # of the elements that a model is shown or asked for at once


class Stored:
    """Elements too many to hold, in the place of a tensor (n, *shape): rows are read when they are asked for."""

    def __init__(self, array: np.ndarray, convert: Callable[[Tensor], Tensor], device: torch.device) -> None:
        self.array, self.convert, self.device = array, convert, device
        self.shape, self.ndim = torch.Size(array.shape), array.ndim

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: slice | Tensor) -> Tensor:
        """Rows in [0, 1] on the device, of a slice or of an index on any device."""
        found = torch.tensor(self.array[index if isinstance(index, slice) else index.cpu().numpy()])
        let_go(self.array)
        if self.device.type == "cuda":
            found = found.pin_memory()
        return self.convert(found.to(self.device, non_blocking=True))


def splits_of(data: Prepared, device: torch.device) -> Splits:
    """Prepared data as models see it: elements with what they are conditioned on, if anything."""
    space = data.space

    def batch(
        x: np.ndarray, y: np.ndarray, source: np.ndarray | None, intensity: np.ndarray | None = None
    ) -> Batch:
        bytes_each = 4 if space.levels else x.itemsize
        held = bytes_each * (x.size + (0 if source is None else source.size)) <= HELD

        def elements(stored: np.ndarray, convert: Callable[[Tensor], Tensor] = space.to_unit) -> Tensor:
            found = Stored(stored, convert, device)
            return found[:] if held else cast(Tensor, found)

        if source is not None:
            return Batch(elements(x), elements(source))
        levels = None if intensity is None else elements(intensity, lambda levels: levels)
        return Batch(elements(x), torch.tensor(y).to(device) if space.classes else None, levels)

    return Splits(
        batch(data.train_x, data.train_y, data.train_source, data.train_intensity),
        batch(data.held_out_x, data.held_out_y, data.held_out_source),
    )


def at_once(space: Space) -> int:
    """How many elements a model is shown or asked for at once where it could be any number."""
    return max(1, VALUES // space.dimensions)


def blocks(data: Batch) -> Iterator[Batch]:
    """The data in order: in one piece where it is held, else so that each piece can be."""
    if not isinstance(data.x, Stored):
        yield data
        return
    for part in slices(len(data.x), max(1, VALUES // data.x.shape[1:].numel())):
        yield rows(data, part)


def some(data: Batch) -> Batch:
    """The data where it is held, else as many elements as SOME bytes hold, spread evenly over it."""
    if not isinstance(data.x, Stored):
        return data
    count = max(1, SOME // (4 * data.x.shape[1:].numel()))
    index = torch.arange(count) * len(data.x) // count
    return rows(data, index)


def rows(data: Batch, index: slice | Tensor) -> Batch:
    """The elements at these places with what belongs to them."""

    def of(values: Tensor) -> Tensor:
        if isinstance(index, Tensor) and not isinstance(values, Stored):
            return values[index.to(values.device)]
        return values[index]

    return Batch(of(data.x), None if data.condition is None else of(data.condition))


def whole(data: Batch) -> Tensor:
    """All elements as one tensor, held or not: for those that are short, or that a control has to keep."""
    return torch.cat([part.x for part in blocks(data)]) if isinstance(data.x, Stored) else data.x


def batch_of_step(data: Batch, step: int, size: int, seed: int) -> Batch:
    """The batch of one step: random permutations of the data laid end to end, cut every `size`.

    Where the data has intensities, its binary elements are drawn from them, other ones in every step.
    """
    n = len(data.x)
    positions = range(step * size, (step + 1) * size)
    epochs = range(positions[0] // n, positions[-1] // n + 1)
    order = torch.cat([_permutation(n, seed, epoch) for epoch in epochs])
    first = positions[0] - epochs[0] * n
    index = order[first : first + size]
    batch = rows(data, index)
    if data.intensity is None:
        return batch
    levels = rows(Batch(data.intensity), index).x
    # Drawn on the CPU, so that every device sees the same; a uniform number of 0 … 254 is below with P = level / 255.
    rng = Generator().manual_seed(seed_of(seed, "binarise", step))
    below = torch.randint(255, levels.shape, dtype=torch.uint8, generator=rng)
    return batch._replace(x=(levels > below.to(levels.device)).float())


_permutations: dict[tuple[int, int, int], Tensor] = {}


def _permutation(n: int, seed: int, epoch: int) -> Tensor:
    key = (n, seed, epoch)
    if key not in _permutations:
        if len(_permutations) > 64:
            _permutations.clear()
        rng = Generator().manual_seed(seed_of(seed, "epoch", epoch))
        _permutations[key] = torch.randperm(n, generator=rng)
    return _permutations[key]
