"""Invertible maps with known Jacobians: affine couplings, the logit, and levels made continuous."""

import math

import torch
from torch import Generator, Tensor, nn

from genbench.core import Space
from genbench.nn.mlp import hidden_layers

BORDER = 1e-6  # continuous data keeps so far from 0 and 1, where logit(x) ends


def checkerboard(shape: tuple[int, ...]) -> Tensor:
    """(D,) bool, no two neighbours alike; for points, every other coordinate."""
    places = torch.stack(torch.meshgrid(*(torch.arange(side) for side in shape), indexing="ij"))
    return places.sum(0).flatten() % 2 == 0


class Coupling(nn.Module):
    """z_b = x_b · exp(s(x_a)) + t(x_a): moves the places b, where `moves` is true, by what stands in the others, a.

    log |det| = Σ s.  With an additive one, s = 0 (NICE, arXiv:1410.8516).
    """

    fixed: Tensor
    moved: Tensor

    def __init__(self, moves: Tensor, hidden: int, layers: int, dropout: float, *, additive: bool) -> None:
        super().__init__()
        self.additive = additive
        self.register_buffer("fixed", (~moves).nonzero()[:, 0], persistent=False)
        self.register_buffer("moved", moves.nonzero()[:, 0], persistent=False)
        self.body = hidden_layers([len(self.fixed)] + [hidden] * layers, nn.SiLU, dropout)
        self.shift = nn.Linear(hidden, len(self.moved))
        nn.init.normal_(self.shift.weight, std=1e-3)  # the flow starts close to the identity
        if not additive:
            self.log_scale = nn.Linear(hidden, len(self.moved))
            nn.init.normal_(self.log_scale.weight, std=1e-3)
            self.bound = nn.Parameter(torch.ones(len(self.moved)))

    def affine(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """s and t, (n, moved) each; s = bound · tanh(…) with a bound that is learned (RealNVP, section 4.1)."""
        h = self.body(x[:, self.fixed])
        shift = self.shift(h)
        return (torch.zeros_like(shift) if self.additive else self.bound * self.log_scale(h).tanh()), shift

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) -> z (n, D) and log |det|, (n,)."""
        s, t = self.affine(x)
        return x.index_copy(1, self.moved, x[:, self.moved] * s.exp() + t), s.sum(1)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) -> x (n, D) and log |det ∂x/∂z|, (n,)."""
        s, t = self.affine(z)
        return z.index_copy(1, self.moved, (z[:, self.moved] - t) * (-s).exp()), -s.sum(1)


class DiagonalScaling(nn.Module):
    """z_i = x_i · exp(s_i), with an s_i that is learned (NICE, section 3.3)."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(dimensions))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) -> z (n, D) and log |det|, (n,)."""
        return x * self.log_scale.exp(), self.log_scale.sum().expand(len(x))

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) -> x (n, D) and log |det ∂x/∂z|, (n,)."""
        return z * (-self.log_scale).exp(), -self.log_scale.sum().expand(len(z))


class Dequantisation:
    """Data as points of (0, 1)^D: levels by uniform noise, x = (level + u) / levels (Theis et al., 2016).

    log P(level) ≥ E_u[log p(x)] − D log levels (arXiv:1511.01844, section 3.1).  Data that is continuous as it is
    keeps its values, but for those on the border, which move by a hair.
    """

    def __init__(self, space: Space) -> None:
        self.space = space

    def points(self, x: Tensor, rng: Generator | None = None) -> Tensor:
        """(n, *shape) in [0, 1] -> (n, D) in (0, 1)."""
        if not self.space.levels:
            return x.flatten(1).clamp(BORDER, 1 - BORDER)
        noise = torch.rand(x.shape, generator=rng, device=x.device)
        return ((self.space.to_levels(x) + noise) / self.space.levels).flatten(1)

    def middles(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n, D) in (0, 1): of levels the middles of their cells."""
        if not self.space.levels:
            return self.points(x)
        return ((self.space.to_levels(x) + 0.5) / self.space.levels).flatten(1)

    def values(self, points: Tensor) -> Tensor:
        """(n, D) in [0, 1] -> (n, *shape): the level in whose cell the point lies, or the point itself."""
        x, levels = points.unflatten(1, self.space.shape), self.space.levels
        return (x * levels).floor().clamp(0, levels - 1) / (levels - 1) if levels else x


class Logit:
    """x -> logit(α + (1 − 2α) x) (RealNVP, section 4.1)."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) in [0, 1] -> (n, D) and log |det|, (n,)."""
        y = self.alpha + (1 - 2 * self.alpha) * x
        return y.logit(), (math.log(1 - 2 * self.alpha) - y.log() - (1 - y).log()).sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        """(n, D) -> (n, D) in [0, 1]."""
        return ((z.sigmoid() - self.alpha) / (1 - 2 * self.alpha)).clamp(0, 1)
