"""Which elements a training step sees: a function of (seed, step) alone, so that a resumed run sees the same.

A set is held on the device as numbers in [0, 1] where these take no more than HELD bytes.  Of a larger one the elements
stay as they are stored, mapped from the file, and only what is asked for is read and brought to the device: the
batches are the same to the bit.
"""

import torch
from torch import Generator, Tensor

from genbench.core import Batch, Data, Splits, Streamed, space_of
from genbench.data.prepared import Prepared
from genbench.data.source import Part
from genbench.runtime.machine import seed_of
from genbench.storage.stored import Stored

HELD = 1 << 30  # bytes of a part of the data on the device


def splits_of(data: Prepared, device: torch.device) -> Splits:
    """Prepared data as models see it, on the device where it is held."""
    train, held_out = (_on_device(data, part, device) for part in (data.train, data.held_out))
    if data.train.intensity is None:
        return Splits(train, held_out)
    levels = Stored(data.train.intensity, lambda levels: levels, device)
    return Splits(train, held_out, levels if isinstance(train, Streamed) else levels[:])


def _on_device(data: Prepared, part: Part, device: torch.device) -> Data:
    space = space_of(data.card)
    known = {
        "label": part.y if space.classes else None,
        "identity": data.identity(part),
        "factors": part.factors,
    }
    tensors = {name: torch.tensor(each).to(device) for name, each in known.items() if each is not None}
    x = Stored(part.x, space.to_unit, device)
    source = None if part.source is None else Stored(part.source, space.to_unit, device)
    bytes_each = 4 if space.levels else part.x.itemsize
    if bytes_each * (part.x.size + (0 if part.source is None else part.source.size)) > HELD:
        return Streamed(x, source=source, **tensors)
    return Batch(x[:], source=None if source is None else source[:], **tensors)


def batch_of_step(splits: Splits, step: int, size: int, seed: int) -> Batch:
    """The training batch of one step: random permutations of the data laid end to end, cut every `size`.

    Where the data has intensities, its binary elements are drawn from them, other ones in every step.
    """
    n = len(splits.train.x)
    positions = range(step * size, (step + 1) * size)
    epochs = range(positions[0] // n, positions[-1] // n + 1)
    order = torch.cat([_permutation(n, seed, epoch) for epoch in epochs])
    first = positions[0] - epochs[0] * n
    index = order[first : first + size]
    batch = splits.train.rows(index)
    if splits.intensity is None:
        return batch
    levels = splits.intensity[index if isinstance(splits.intensity, Stored) else index.to(batch.x.device)]
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
