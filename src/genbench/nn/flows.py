"""Invertible maps with known Jacobians: affine couplings, the logit, and levels made continuous."""

import math

import torch
from torch import Generator, Tensor, nn

from genbench.core import Space
from genbench.nn.mlp import hidden_layers

BORDER = 1e-6  # continuous data keeps so far from 0 and 1, where logit(x) ends
END = 2.0**-25  # half a step of the noise: so far it keeps from the end of an open cell
OPEN = 0.6  # least deviation of noise in an open cell, in the unit of the logit


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

    def stretched(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) in [0, 1] -> (n, D), and the logarithm of each value's slope, (n, D)."""
        y = self.alpha + (1 - 2 * self.alpha) * x
        return y.logit(), math.log(1 - 2 * self.alpha) - y.log() - (1 - y).log()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) in [0, 1] -> (n, D) and log |det|, (n,)."""
        y, log_slope = self.stretched(x)
        return y, log_slope.sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        """(n, D) -> (n, D) in [0, 1]."""
        return ((z.sigmoid() - self.alpha) / (1 - 2 * self.alpha)).clamp(0, 1)


class OpenLogit:
    """x -> logit(α + (1 − 2α) x), but that the cells of the lowest and the highest of L levels go on for ever.

    The logit ends at ± logit(1 − α), and what a density on R^D has beyond would be lost to a bound on the likelihood of
    levels, while samples from there are clamped to the outermost ones and are not lost.  So the lowest cell, x = u/L,
    is mapped onto all that lies below its inner edge e, by y = m + s Φ⁻¹(u Φ((e − m)/s)): uniform noise becomes a
    normal law of mean m = e − s, cut at e.  s is the deviation of uniform noise in the logit's own cell, but at least
    OPEN.  The highest cell is its mirror image.  So the map is onto, and the noise of the outermost levels, which most
    values of many images have, is nearer to the shape of the codes than uniform noise (.09 nats a value, and .18), and
    wide enough for importance weights of a normal law across all levels to have a variance.
    """

    def __init__(self, alpha: float, levels: int) -> None:
        self.logit, self.levels = Logit(alpha), levels
        low, self.edge = (math.log(y / (1 - y)) for y in (alpha, alpha + (1 - 2 * alpha) / levels))
        self.deviation = max(OPEN, (self.edge - low) / math.sqrt(12))
        self.mean = self.edge - self.deviation
        self.inside = 0.5 * math.erfc(-1 / math.sqrt(2))  # Φ((e − m)/s)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) in [0, 1] -> (n, D) and log |det|, (n,)."""
        y, log_slope = self.logit.stretched(x)
        noise = torch.minimum(x, 1 - x) * self.levels  # u, in the outermost cells
        z = torch.special.ndtri(noise.clamp(END, 1) * self.inside)
        steepness = math.log(self.deviation * self.inside * self.levels * math.sqrt(2 * math.pi))
        out = self.mean + self.deviation * z
        outermost = noise < 1
        y = torch.where(outermost, torch.where(x < 0.5, out, -out), y)
        return y, torch.where(outermost, steepness + 0.5 * z.square(), log_slope).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        """(n, D) -> (n, D) in [0, 1]."""
        noise = torch.special.ndtr((-y.abs() - self.mean) / self.deviation) / self.inside
        out = noise / self.levels
        return torch.where(y.abs() > -self.edge, torch.where(y < 0, out, 1 - out), self.logit.inverse(y))
