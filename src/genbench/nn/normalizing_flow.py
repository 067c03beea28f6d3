"""Flows of invertible maps one after another, trained by maximum likelihood."""

from functools import partial

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, Objective, Phase, Space
from genbench.nn.continuous import ContinuousDensity, standard_normal
from genbench.nn.flows import Logit
from genbench.nn.priors import GaussianPrior
from genbench.nn.schedules import cosine


class NormalizingFlow(GaussianPrior, ContinuousDensity):
    """log p(x) = log N(z; 0, I) + log |det ∂z/∂x|.  A subclass gives `maps`, which lead from data to codes.

    Each has `forward` and `inverse`, both of which give the mapped values (n, D) and log |det| of what they did, (n,).
    """

    maps: nn.ModuleList

    def __init__(self, space: Space, *, importance: int, lr: float, weight_decay: float) -> None:
        super().__init__(space, importance=importance)
        if space.dimensions < 2:
            raise ValueError(f"shape={space.shape}: one value moves another; expected at least 2")
        if self.exact:
            self.logit = Logit(0.0)  # [0, 1] becomes all of R, as for RealNVP
        self.latent, self.lr, self.weight_decay = space.dimensions, lr, weight_decay

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised points (n, D) -> codes z (n, D) and log |det ∂z/∂point|, (n,)."""
        z, log_det = points, points.new_zeros(len(points))
        for each in self.maps:
            z, more = each(z)
            log_det = log_det + more
        return z, log_det

    def inverse(self, z: Tensor) -> Tensor:
        """(n, D) codes -> standardised points (n, D)."""
        for each in reversed(self.maps):
            z, _ = each.inverse(z)  # type: ignore[operator]
        return z

    def density(self, points: Tensor, rng: Generator | None = None) -> Tensor:
        z, log_det = self(points)
        return standard_normal(z) + log_det

    def loss(self, batch: Batch) -> Tensor:
        """Nats per value, of standardised points."""
        points, _ = self.points(batch.x)
        return -self.density(points).mean() / self.space.dimensions

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        nll = Objective("nll", list(self.parameters()), self.loss, adam, clip=5.0, schedule=cosine)
        return [Phase("standardise", fit=self.standardise), Phase("likelihood", (nll,))]

    def decode(self, z: Tensor) -> Tensor:
        """(n, D) -> (n, *shape): the level in whose cell the point lies, or the point itself."""
        return self.elements(self.inverse(z))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))
