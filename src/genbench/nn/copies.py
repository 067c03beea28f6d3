"""Drawing from images that a control has kept."""

import torch
from torch import Generator, Tensor


def without_replacement(images: Tensor, n: int, rng: Generator) -> Tensor:
    """n of the images in random order, (n, *shape); over again once all are drawn."""
    rounds = -(-n // len(images))
    orders = [torch.randperm(len(images), generator=rng, device=images.device) for _ in range(rounds)]
    return images[torch.cat(orders)[:n]]
