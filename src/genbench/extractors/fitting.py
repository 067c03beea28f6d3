"""How the networks of an extractor are trained: AdamW, whose rate warms up and falls along half a cosine."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from genbench.training.optimisers import fused

WARM_UP = 50  # steps


def fit(
    network: nn.Module,
    loss: Callable[[Tensor, Generator], Tensor],
    *,
    n: int,
    steps: int,
    batch_size: int,
    lr: float,
    weight_decay: float,
    seed: int,
) -> None:
    """Train in place, and leave the network ready to be asked.

    loss: of the elements at these places, int64 (batch_size,) of 0 … n − 1, and the source of all that is random.
    """
    optimizer = fused(torch.optim.AdamW(network.parameters(), lr=lr, weight_decay=weight_decay))
    rng = Generator().manual_seed(seed)
    network.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))
        value = loss(torch.randint(n, (batch_size,), generator=rng), rng)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
    network.eval()
