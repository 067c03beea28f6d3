"""Models with a density on R^D: data become continuous and standardised; densities of it are bounds for the levels."""

import math
from abc import abstractmethod

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Space, Splits, at_once
from genbench.nn.bounds import asked_at_most, importance_weighted
from genbench.nn.flows import Dequantisation, Logit, OpenLogit
from genbench.nn.probability_flow import SUMMABLE
from genbench.storage.arrays import slices

TOGETHER = 2000  # elements times draws whose density is asked at once
ALPHA = 0.01  # levels go through logit(α + (1 − 2α) x), which leaves little mass outside the box of the data


class ContinuousDensity(GenerativeModel):
    """A subclass gives `density`, of standardised points.

    Levels become continuous by uniform noise and fill R^D by the logit; data without levels is taken as it stands.
    importance: draws of the noise that `log_prob` averages, the same ones at every call.
    estimated: whether `density` is itself an estimate, as divergences beyond SUMMABLE dimensions are.
    """

    logit: Logit | OpenLogit | None
    mean: Tensor
    deviation: Tensor

    def __init__(self, space: Space, *, importance: int) -> None:
        super().__init__(space)
        self.exact = space.levels == 0
        self.dequantisation, self.importance = Dequantisation(space), importance
        self.estimated = space.dimensions > SUMMABLE
        self.likelihoods_at_most = asked_at_most(space.dimensions)
        self.logit = None if self.exact else Logit(ALPHA)
        self.register_buffer("mean", torch.zeros(space.dimensions))
        self.register_buffer("deviation", torch.ones(space.dimensions))

    @property
    def tightens(self) -> bool:
        return not self.estimated

    def unbounded(self, x: Tensor, rng: Generator | None = None) -> tuple[Tensor, Tensor]:
        """(n, *shape) in [0, 1] -> points y (n, D) before they are standardised, and log |det|, (n,)."""
        if self.logit is None:
            return x.flatten(1), x.new_zeros(len(x))
        return self.logit.forward(self.dequantisation.points(x, rng))

    def points(self, x: Tensor, rng: Generator | None = None) -> tuple[Tensor, Tensor]:
        """(n, *shape) in [0, 1] -> standardised points (n, D), and log |det ∂point/∂x|, (n,)."""
        return self.standardised(*self.unbounded(x, rng))

    def standardised(self, y: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        """y and log |det ∂y/∂x| -> the same of the points."""
        return (y - self.mean) / self.deviation, log_det - self.deviation.log().sum()

    def bounded(self, points: Tensor) -> Tensor:
        """(n, D) -> (n, D), in [0, 1] where there is a logit."""
        y = points * self.deviation + self.mean
        return y if self.logit is None else self.logit.inverse(y)

    def elements(self, points: Tensor) -> Tensor:
        """(n, D) -> (n, *shape): the level in whose cell a point lies, or the point itself."""
        return self.dequantisation.values(self.bounded(points))

    @torch.no_grad()
    def standardise(self, splits: Splits) -> None:
        """One mean for each value, one deviation for all: distances between elements keep their proportions."""
        y = self.unbounded(splits.train.some().x)[0]
        self.mean.copy_(y.mean(0))
        self.deviation.fill_(float((y - y.mean(0)).square().mean().sqrt().clamp_min(1e-3)))

    @abstractmethod
    def density(self, points: Tensor, rng: Generator) -> Tensor:
        """log p of standardised points, (n, D) -> (n,) nats."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Of levels a lower bound in expectation, E_u[log p((level + u)/levels)] − D log levels, or tighter.

        Where `density` is itself an estimate the draws are averaged as they are.
        """
        rng, draws = Generator(x.device).manual_seed(0), []
        together = max(1, min(TOGETHER, at_once(self.space)) // max(1, len(x)))
        for part in slices(1 if self.exact else self.importance, together):
            repeated = x.repeat(part.stop - part.start, *[1] * (x.ndim - 1))
            points, log_det = self.points(repeated, rng)
            draws.append((self.density(points, rng) + log_det).view(-1, len(x)))
        found = torch.cat(draws)
        if self.exact:
            return found[0]
        found = found.mean(0) if self.estimated else importance_weighted(found)
        return found - self.space.dimensions * math.log(self.space.levels)


def standard_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I), (n, D) -> (n,) nats."""
    return -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
