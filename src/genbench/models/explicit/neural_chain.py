"""The chain rule with a small network for every conditional (Bengio & Bengio, NIPS 12, 2000), without sharing.

log p(x) = Σ_i log p(x_i | x_<i), where p(x_i | x_<i) is a softmax over levels of W_i max(0, V_i x_<i + b_i) + c_i.
The parameters grow with the square of the number of variables, where those of the joint table grow exponentially.
"""

from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Space
from genbench.nn.autoregressive import Autoregressive
from genbench.nn.cells import categories
from genbench.nn.mlp import mlp


class NeuralChain(Autoregressive):
    """Variables in their order; the first has no inputs and is a bias alone.  More than two levels go in one-hot."""

    tiny: ClassVar = {"hidden": 24}

    def __init__(self, space: Space, *, hidden: int = 16, lr: float = 1e-2) -> None:
        levels = categories(space)
        super().__init__(space, lr=lr)
        if hidden < 1:
            raise ValueError(f"hidden: got {hidden}; expected at least 1")
        self.width = 1 if levels == 2 else levels  # inputs of one variable
        outputs = self.levels.channels
        self.first = nn.Parameter(torch.zeros(outputs))
        self.rest = nn.ModuleList(mlp([i * self.width, hidden, outputs]) for i in range(1, space.dimensions))

    def encoded(self, x: Tensor) -> Tensor:
        """(n, D) in [0, 1] -> (n, D·width), the inputs of the networks."""
        if self.width == 1:
            return x
        return F.one_hot(self.space.to_levels(x), self.width).flatten(1).to(self.first.dtype)

    def logits_of(self, i: int, before: Tensor) -> Tensor:
        """Logits of x_i, (n, channels), from x_<i encoded, (n, i·width)."""
        logits: Tensor = self.rest[i - 1](before) if i else self.first.expand(len(before), -1)
        return logits

    def logits(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n, D, channels)."""
        inputs, w = self.encoded(x.flatten(1)), self.width
        return torch.stack([self.logits_of(i, inputs[:, : i * w]) for i in range(self.space.dimensions)], 1)

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """One network for each variable."""
        x, keep = self.shown(x, mask)
        for i in range(x.shape[1]):
            self.fill(x, keep, i, self.logits_of(i, self.encoded(x[:, :i])), rng)
        return x.unflatten(1, self.space.shape)
