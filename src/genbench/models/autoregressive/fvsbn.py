"""Fully visible sigmoid belief network (Neal, 1992; Frey, Hinton & Dayan, 1996), no hidden units.

p(x_i | x_<i) = σ(α_i + Σ_{j<i} w_ij x_j): one logistic regression a pixel, so −log p(x) is convex in its parameters.
R. M. Neal, Connectionist learning of belief networks, Artificial Intelligence 56, doi:10.1016/0004-3702(92)90065-6.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Space
from genbench.nn.autoregressive import Autoregressive


class FVSBN(Autoregressive):
    """Pixels in raster order.  With more than two levels each pixel has a softmax over them, still linear in x_<i."""

    def __init__(self, space: Space, *, lr: float = 1e-3, weight_decay: float = 0.0) -> None:
        super().__init__(space, lr=lr, weight_decay=weight_decay)
        d, channels = space.dimensions, self.levels.channels
        # The loss is convex: training ends at the same place from anywhere, so it may as well start at uniform noise.
        self.alpha = nn.Parameter(torch.zeros(channels, d))
        self.w = nn.Parameter(torch.zeros(channels, d, d))  # only j < i is read

    @property
    def own_parameters(self) -> int:
        """α, and of each w what is below its diagonal."""
        channels, d = self.alpha.shape
        return channels * (d + d * (d - 1) // 2)

    def logits(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n, D, channels)."""
        out = F.linear(x.flatten(1), self.w.tril(-1).flatten(0, 1), self.alpha.flatten())  # (n, channels·D)
        return out.unflatten(1, self.alpha.shape).movedim(1, 2)

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """One row of w for each pixel."""
        x, keep = self.shown(x, mask)
        for i in range(x.shape[1]):
            self.fill(x, keep, i, F.linear(x[:, :i], self.w[:, i, :i], self.alpha[:, i]), rng)
        return x.unflatten(1, self.space.shape)
