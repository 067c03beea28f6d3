"""Drawing from images that a control has kept."""

from collections.abc import Iterable

import torch
from torch import Generator, Tensor

from genbench.core import Batch


def of_classes(batch: Batch, classes: Iterable[int]) -> Tensor:
    """The elements of these classes, (n, *shape) of a batch with labels."""
    assert batch.label is not None
    wanted = torch.tensor([*classes], device=batch.label.device)
    return batch.x[torch.isin(batch.label, wanted)].clone()


def without_replacement(images: Tensor, n: int, rng: Generator) -> Tensor:
    """n of the images in random order, (n, *shape); over again once all are drawn."""
    rounds = -(-n // len(images))
    orders = [torch.randperm(len(images), generator=rng, device=images.device) for _ in range(rounds)]
    return images[torch.cat(orders)[:n]]


def noisy(x: Tensor, deviation: float, rng: Generator) -> Tensor:
    """x plus Gaussian noise, in units of the full range of a value; images in [0, 1] stay there."""
    return (x + deviation * torch.randn(x.shape, generator=rng, device=x.device)).clamp(0, 1)
