"""RealNVP (Dinh et al., 2017), arXiv:1605.08803.  log p(x) = log N(z; 0, I) + log |det ∂z/∂x|, z = f(x) invertible.

Affine couplings: the values of one half of the places move the other half, z_b = x_b · exp(s(x_a)) + t(x_a), so that
log |det| = Σ s.  With additive ones, s = 0, it is NICE (Dinh et al., 2015, arXiv:1410.8516).
"""

import math
from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.flows import Coupling, Dequantisation, Logit, checkerboard
from genbench.nn.priors import GaussianPrior
from genbench.nn.schedules import cosine


class RealNVP(GaussianPrior, GenerativeModel):
    """Couplings of fully connected networks on flattened data, then NICE's diagonal scaling.

    couplings: their number; checkerboards and halves take turns, each with its complement.  hidden, layers: of every
    coupling's network.  additive: NICE.  alpha: images go through logit(α + (1 − 2α) x).  importance: draws of the
    dequantisation noise that `log_prob` averages, the same ones at every call.

    Levels become continuous by uniform noise.  Data without levels is continuous as it is, goes through logit(x), and
    `log_prob` is its exact density on [0, 1]^D.
    """

    tiny: ClassVar = {"couplings": 4, "hidden": 24, "importance": 400}
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        space: Space,
        *,
        couplings: int = 8,
        hidden: int = 256,
        layers: int = 2,
        additive: bool = False,
        alpha: float = 0.05,
        dropout: float = 0.0,
        importance: int = 20,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space)
        if space.dimensions < 2:
            raise ValueError(f"shape={space.shape}: a coupling splits the values; expected at least 2")
        if not 0 < alpha < 0.5:
            raise ValueError(f"alpha: got {alpha}; expected a number between 0 and 0.5")
        self.exact = space.levels == 0
        self.logit, self.dequantisation = Logit(0.0 if self.exact else alpha), Dequantisation(space)
        self.importance, self.lr, self.weight_decay = importance, lr, weight_decay
        self.latent = d = space.dimensions
        board, half = checkerboard(space.shape), torch.arange(d) < d // 2
        moves = [board, ~board, half, ~half]
        self.couplings = nn.ModuleList(
            Coupling(moves[i % 4], hidden, layers, dropout, additive=additive) for i in range(couplings)
        )
        self.log_diagonal = nn.Parameter(torch.zeros(d))
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("deviation", torch.ones(d))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) dequantised -> codes z (n, D) and log |det ∂z/∂x|, (n,)."""
        z, log_det = self.logit.forward(x)
        z = (z - self.mean) / self.deviation
        for coupling in self.couplings:
            z, more = coupling(z)
            log_det = log_det + more
        return z * self.log_diagonal.exp(), log_det + self.log_diagonal.sum() - self.deviation.log().sum()

    def inverse(self, z: Tensor) -> Tensor:
        """(n, D) codes -> (n, D) in [0, 1]."""
        z = z * (-self.log_diagonal).exp()
        for coupling in reversed(self.couplings):
            z = coupling.inverse(z)  # type: ignore[operator]
        z = z * self.deviation + self.mean
        return self.logit.inverse(z)

    def density(self, x: Tensor) -> Tensor:
        """log p of dequantised data, (n, D) -> (n,) nats."""
        z, log_det = self(x)
        return log_det - 0.5 * (z.square() + math.log(2 * math.pi)).sum(1)

    @torch.no_grad()
    def standardise(self, splits: Splits) -> None:
        z = self.logit.forward(self.dequantisation.points(splits.train.some().x))[0]
        self.mean.copy_(z.mean(0))
        self.deviation.copy_(z.std(0).clamp_min(1e-3))

    def loss(self, batch: Batch) -> Tensor:
        """Nats per value, of the dequantised data."""
        return -self.density(self.dequantisation.points(batch.x)).mean() / self.space.dimensions

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        nll = Objective("nll", list(self.parameters()), self.loss, adam, clip=5.0, schedule=cosine)
        return [Phase("standardise", fit=self.standardise), Phase("likelihood", (nll,))]

    def log_prob(self, x: Tensor) -> Tensor:
        """For images log (1/K) Σ_k p((level + u_k) / levels) − D log levels: a lower bound in expectation."""
        if self.exact:
            return self.density(self.dequantisation.points(x))
        rng = Generator(x.device).manual_seed(0)
        draws = [self.density(self.dequantisation.points(x, rng)) for _ in range(self.importance)]
        constant = math.log(self.importance) + self.space.dimensions * math.log(self.space.levels)
        return torch.stack(draws).logsumexp(0) - constant

    def decode(self, z: Tensor) -> Tensor:
        """(n, D) -> (n, *shape): the level in whose cell the point lies, or the point itself."""
        return self.dequantisation.values(self.inverse(z))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))
