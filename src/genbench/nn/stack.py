"""Autoencoders of layers that can be used one by one (Hinton & Salakhutdinov, 2006)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LayerStack(nn.Module):
    """f = f_L ∘ … ∘ f_1 and g = g_1 ∘ … ∘ g_L: SiLU units, a linear code, logits of the values.

    widths: of the hidden layers and of the code.  dropout: on hidden units of g.
    """

    def __init__(self, shape: tuple[int, ...], widths: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.shape, self.depth = shape, len(widths)
        sizes = [torch.Size(shape).numel(), *widths]
        self.encoders = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))  # f_1 … f_L
        self.decoders = nn.ModuleList(nn.Linear(b, a) for a, b in pairwise(sizes))  # g_1 … g_L
        self.dropout = nn.Dropout(dropout)

    def layer(self, i: int) -> list[nn.Parameter]:
        """What f and g of layer i learn; layers count from 0."""
        return [*self.encoders[i].parameters(), *self.decoders[i].parameters()]

    def up(self, h: Tensor, layer: int) -> Tensor:
        """f_l: the codes below layer `layer` -> those above it; layers count from 0."""
        above = self.encoders[layer](h)
        return above if layer == self.depth - 1 else F.silu(above)

    def down(self, h: Tensor, layer: int) -> Tensor:
        """g_l: the codes above layer `layer` -> those below it, or logits of the pixels."""
        below = self.decoders[layer](h)
        return below if layer == 0 else F.silu(below)

    def encode(self, x: Tensor, depth: int | None = None) -> Tensor:
        """(n, *shape) in [0, 1] -> codes above the first `depth` layers, by default all, (n, k)."""
        h = x.flatten(1)
        for layer in range(self.depth if depth is None else depth):
            h = self.up(h, layer)
        return h

    def logits(self, h: Tensor, depth: int | None = None) -> Tensor:
        """Codes above the first `depth` layers, by default all -> (n, D) logits."""
        depth = self.depth if depth is None else depth
        for layer in reversed(range(depth)):
            h = self.down(self.dropout(h) if layer < depth - 1 else h, layer)
        return h

    def reconstruct(self, x: Tensor, depth: int | None = None) -> Tensor:
        """(n, *shape) in [0, 1] -> the same, through the first `depth` layers and back, by default all."""
        return self.logits(self.encode(x, depth), depth).sigmoid().unflatten(1, self.shape)

    def reconstruction_errors(self, x: Tensor) -> Tensor:
        """Mean squared error of a value through the first 1, 2, … L layers and back: (L, n)."""
        through = [self.reconstruct(x, depth) for depth in range(1, self.depth + 1)]
        return torch.stack([(y - x).square().flatten(1).mean(1) for y in through])
