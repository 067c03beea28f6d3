"""RealNVP (Dinh et al., 2017), arXiv:1605.08803.  log p(x) = log N(z; 0, I) + log |det ∂z/∂x|, z = f(x) invertible.

Affine couplings: the values of one half of the places move the other half, z_b = x_b · exp(s(x_a)) + t(x_a), so that
log |det| = Σ s.  With additive ones, s = 0, it is NICE (Dinh et al., 2015, arXiv:1410.8516).
"""

import math
from functools import partial
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.schedules import cosine

BORDER = 1e-6  # continuous data keeps so far from 0 and 1, where logit(x) ends


def checkerboard(shape: tuple[int, ...]) -> Tensor:
    """(D,) bool, no two neighbours alike; for points, every other coordinate."""
    places = torch.stack(torch.meshgrid(*(torch.arange(side) for side in shape), indexing="ij"))
    return places.sum(0).flatten() % 2 == 0


class Coupling(nn.Module):
    """Moves the places where `moves` is true by what stands in the others."""

    fixed: Tensor
    moved: Tensor

    def __init__(self, moves: Tensor, hidden: int, layers: int, dropout: float, *, additive: bool) -> None:
        super().__init__()
        self.additive = additive
        self.register_buffer("fixed", (~moves).nonzero()[:, 0], persistent=False)
        self.register_buffer("moved", moves.nonzero()[:, 0], persistent=False)
        widths = [len(self.fixed)] + [hidden] * layers
        body = [
            block for a, b in pairwise(widths) for block in (nn.Linear(a, b), nn.SiLU(), nn.Dropout(dropout))
        ]
        self.body = nn.Sequential(*body)
        self.shift = nn.Linear(hidden, len(self.moved))
        nn.init.normal_(self.shift.weight, std=1e-3)  # the flow starts close to the identity
        if not additive:
            self.log_scale = nn.Linear(hidden, len(self.moved))
            nn.init.normal_(self.log_scale.weight, std=1e-3)
            self.bound = nn.Parameter(torch.ones(len(self.moved)))

    def affine(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """s and t, (n, moved) each; s = bound · tanh(…) with a bound that is learned (paper, section 4.1)."""
        h = self.body(x[:, self.fixed])
        shift = self.shift(h)
        return (torch.zeros_like(shift) if self.additive else self.bound * self.log_scale(h).tanh()), shift

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) -> z (n, D) and log |det|, (n,)."""
        s, t = self.affine(x)
        return x.index_copy(1, self.moved, x[:, self.moved] * s.exp() + t), s.sum(1)

    def inverse(self, z: Tensor) -> Tensor:
        s, t = self.affine(z)
        return z.index_copy(1, self.moved, (z[:, self.moved] - t) * (-s).exp())


class RealNVP(GenerativeModel):
    """Couplings of fully connected networks on flattened data, then NICE's diagonal scaling.

    couplings: their number; checkerboards and halves take turns, each with its complement.  hidden, layers: of every
    coupling's network.  additive: NICE.  alpha: images go through logit(α + (1 − 2α) x).  importance: draws of the
    dequantisation noise that `log_prob` averages, the same ones at every call.

    Levels become continuous by uniform noise, x = (level + u) / levels: log P(level) ≥ E_u[log p(x)] − D log levels.
    With levels == 0 the data is continuous as it is, goes through logit(x), and `log_prob` is its exact density on
    [0, 1]^D.
    """

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
        self.alpha = 0.0 if self.exact else alpha
        self.importance, self.lr, self.weight_decay = importance, lr, weight_decay
        d = space.dimensions
        board, half = checkerboard(space.shape), torch.arange(d) < d // 2
        moves = [board, ~board, half, ~half]
        self.couplings = nn.ModuleList(
            Coupling(moves[i % 4], hidden, layers, dropout, additive=additive) for i in range(couplings)
        )
        self.log_diagonal = nn.Parameter(torch.zeros(d))
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("deviation", torch.ones(d))

    def dequantised(self, x: Tensor, rng: Generator | None = None) -> Tensor:
        """(n, *shape) in [0, 1] -> (n, D) in (0, 1); of continuous data only the border is moved, by a hair."""
        if self.exact:
            return x.flatten(1).clamp(BORDER, 1 - BORDER)
        noise = torch.rand(x.shape, generator=rng, device=x.device)
        return ((self.space.to_levels(x) + noise) / self.space.levels).flatten(1)

    def logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """logit(α + (1 − 2α) x) and its log |det|."""
        y = self.alpha + (1 - 2 * self.alpha) * x
        return y.logit(), (math.log(1 - 2 * self.alpha) - y.log() - (1 - y).log()).sum(1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) dequantised -> codes z (n, D) and log |det ∂z/∂x|, (n,)."""
        z, log_det = self.logits(x)
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
        return ((z.sigmoid() - self.alpha) / (1 - 2 * self.alpha)).clamp(0, 1)

    def density(self, x: Tensor) -> Tensor:
        """log p of dequantised data, (n, D) -> (n,) nats."""
        z, log_det = self(x)
        return log_det - 0.5 * (z.square() + math.log(2 * math.pi)).sum(1)

    @torch.no_grad()
    def standardise(self, splits: Splits) -> None:
        z = self.logits(self.dequantised(splits.train.some().x))[0]
        self.mean.copy_(z.mean(0))
        self.deviation.copy_(z.std(0).clamp_min(1e-3))

    def loss(self, batch: Batch) -> Tensor:
        """Nats per value, of the dequantised data."""
        return -self.density(self.dequantised(batch.x)).mean() / self.space.dimensions

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        nll = Objective("nll", list(self.parameters()), self.loss, adam, clip=5.0, schedule=cosine)
        return [Phase("standardise", fit=self.standardise), Phase("likelihood", (nll,))]

    def log_prob(self, x: Tensor) -> Tensor:
        """For images log (1/K) Σ_k p((level + u_k) / levels) − D log levels: a lower bound in expectation."""
        if self.exact:
            return self.density(self.dequantised(x))
        rng = Generator(x.device).manual_seed(0)
        draws = [self.density(self.dequantised(x, rng)) for _ in range(self.importance)]
        constant = math.log(self.importance) + self.space.dimensions * math.log(self.space.levels)
        return torch.stack(draws).logsumexp(0) - constant

    def prior(self, n: int, *, rng: Generator) -> Tensor:
        return torch.randn(n, self.space.dimensions, generator=rng, device=rng.device)

    def decode(self, z: Tensor) -> Tensor:
        """(n, D) -> (n, *shape): the level in whose cell the point lies, or the point itself."""
        x = self.inverse(z).unflatten(1, self.space.shape)
        if self.exact:
            return x
        return (x * self.space.levels).floor().clamp(0, self.space.levels - 1) / (self.space.levels - 1)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))
