"""NADE (Larochelle & Murray, 2011): p(x_i | x_<i) = σ(b_i + V_i h_i), h_i = σ(c + Σ_{j<i} W_j x_j).

The neural autoregressive distribution estimator, PMLR 15:29–37; arXiv:1605.02226 is the long version.  All conditionals
share W, and h_{i+1} differs from h_i by one term of the sum: a pass over all D pixels costs O(DH).
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Space
from genbench.nn.autoregressive import Autoregressive

# Pixels whose running sums one matrix product gives: larger blocks waste products with zeros, smaller ones calls.
BLOCK = 16


class NADE(Autoregressive):
    """Bernoulli outputs for two levels, L-way outputs for more.

    hidden: H.  order_seed: of a random order of the pixels, as in the paper; None is raster order.
    """

    order: Tensor

    def __init__(
        self,
        space: Space,
        *,
        hidden: int = 500,
        order_seed: int | None = None,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space, lr=lr, weight_decay=weight_decay)
        d, channels = space.dimensions, self.levels.channels
        order = torch.arange(d)
        if order_seed is not None:
            order = torch.randperm(d, generator=Generator().manual_seed(order_seed))
        self.register_buffer("order", order, persistent=False)
        # Row i of W, V and b belongs to the i-th pixel of the order.
        self.W = nn.Parameter(torch.randn(d, hidden) / d**0.5)
        self.c = nn.Parameter(torch.zeros(hidden))
        self.V = nn.Parameter(torch.randn(d, hidden, channels) / hidden**0.5)
        self.b = nn.Parameter(torch.zeros(d, channels))

    def logits(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n, D, channels), in the model's order."""
        x = self.in_order(x)
        running = self.c.expand(len(x), -1)  # c + Σ_{j<i} W_j x_j, (n, H), for the first i of a block
        out = []
        for some, W, V in zip(x.split(BLOCK, 1), self.W.split(BLOCK), self.V.split(BLOCK), strict=True):
            # For pixel i of the block, x_j where j < i and else 0: times W, what the block itself adds to the sum.
            before = some * W.new_ones(len(W), len(W)).tril(-1)[:, None]  # (k, n, k)
            h = (running + before @ W).sigmoid()  # (k, n, H)
            out.append(h @ V)  # (k, n, channels)
            running = torch.addmm(running, some, W)
        return torch.cat(out).transpose(0, 1) + self.b

    def in_order(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, self.order]

    def complete(self, x: Tensor, mask: Tensor, *, generator: Generator) -> Tensor:
        """Exact for what follows the last kept pixel in the model's order; hidden ones before it see only those
        before them."""
        flat, keep = x.flatten(1).clone(), mask.expand_as(x).flatten(1)
        running = self.c.expand(len(flat), -1)
        for i, pixel in enumerate(self.order.tolist()):
            logits = F.linear(running.sigmoid(), self.V[i].T, self.b[i])  # (n, channels)
            drawn = self.levels.sample(logits, generator)
            flat[:, pixel] = torch.where(keep[:, pixel], flat[:, pixel], drawn)
            running = running + flat[:, pixel, None] * self.W[i]
        return flat.unflatten(1, self.space.shape)
