"""Restricted Boltzmann machine (Smolensky, 1986; Hinton, 2002).  p(v, h) = exp(v·b + h·c + v·W h) / Z.

So p(v) = exp(−F(v)) / Z with the free energy F(v) = −v·b − Σ_j softplus(c_j + v·W_j).  Trained by contrastive
divergence (Hinton, 2002), or its persistent form (Tieleman, 2008).  log Z, by enumeration or by annealed
importance sampling (Neal, 2001; Salakhutdinov & Murray, 2008), bridges from the base rates a to the machine:
f_β(v) = exp(v·((1−β) a + β b)) Π_j (1 + exp(β (c_j + v·W_j))), β = 0 … 1, where Z_0 is known.
"""

import math
from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn import bounds
from genbench.nn.discrete import bernoulli
from genbench.nn.schedules import cosine


class RBM(GenerativeModel):
    """Bernoulli units on both sides; data of two levels only.

    gibbs: k, the steps of a chain before each update.  persistent: go on with `chains` fantasies, not from the data.
    anneal: the steps from the base rates to the machine, in sampling and in estimates of log Z, means of `runs`;
    `importance` of them make the bound.  enumerable: units of the smaller side up to which log Z is summed instead.

    `exact` where Z was summed; samples come from the end of the annealing, which is close to p(v).  Elsewhere an
    estimate of log Z gives no bound on log p(v): E[log Ẑ] ≤ log Z.  But the annealing is a directed model of its own,
    the one that is sampled from, and its reversal gives a true lower bound (Burda et al., 2015, arXiv:1412.8566).
    """

    tiny: ClassVar = {"hidden": 24, "anneal": 50, "importance": 400}
    base: Tensor
    fantasies: Tensor
    log_z: Tensor
    log_z_error: Tensor

    def __init__(
        self,
        space: Space,
        *,
        hidden: int = 500,
        gibbs: int = 15,
        persistent: bool = True,
        chains: int = 100,
        anneal: int = 1000,
        runs: int = 200,
        importance: int = 1,
        enumerable: int = 16,
        lr: float = 0.1,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space)
        if space.levels != 2:
            raise ValueError(f"levels={space.levels}: the units of an RBM are binary; expected 2 levels")
        if not 0 <= enumerable <= bounds.SUMMABLE:
            raise ValueError(f"enumerable: got {enumerable}; expected 0 to {bounds.SUMMABLE} units")
        self.gibbs, self.persistent, self.anneal, self.runs = gibbs, persistent, anneal, runs
        self.importance, self.lr, self.weight_decay = importance, lr, weight_decay
        d = space.dimensions
        self.exact = min(d, hidden) <= enumerable
        self.weight = nn.Parameter(0.01 * torch.randn(d, hidden))  # W
        self.visible_bias = nn.Parameter(torch.zeros(d))  # b
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))  # c
        self.register_buffer("base", torch.zeros(d))  # a
        self.register_buffer("fantasies", torch.zeros(chains if persistent else 0, d))
        self.register_buffer("log_z", torch.zeros((), dtype=torch.float64))
        self.register_buffer("log_z_error", torch.zeros((), dtype=torch.float64))

    def project(self, v: Tensor) -> Tensor:
        """What the visible units send to the hidden ones, (n, H)."""
        return v @ self.weight

    def log_f(self, v: Tensor, projected: Tensor, beta: float = 1.0) -> Tensor:
        """log f_β(v), −F(v) at β = 1; v (n, D) and what it sends to the hidden units, (n, H) -> (n,)."""
        visible = v @ torch.lerp(self.base, self.visible_bias, beta)
        return visible + F.softplus(beta * (projected + self.hidden_bias)).sum(1)

    def transition(self, projected: Tensor, rng: Generator | None, beta: float = 1.0) -> Tensor:
        """A block Gibbs step v -> h -> v', which leaves f_β as it is and is its own reverse."""
        h = bernoulli(beta * (projected + self.hidden_bias), rng)
        return bernoulli(torch.lerp(self.base, self.visible_bias + h @ self.weight.T, beta), rng)

    def loss(self, batch: Batch) -> Tensor:
        """F(data) − F(chains), whose gradient, the chains held fixed, is that of contrastive divergence."""
        x = batch.x.flatten(1)
        with torch.no_grad():
            v = self.fantasies if self.persistent else x
            for _ in range(self.gibbs):
                v = self.transition(v @ self.weight, None)
            if self.persistent:
                self.fantasies.copy_(v)
        energy = self.log_f(v, v @ self.weight).mean() - self.log_f(x, x @ self.weight).mean()
        return energy + 0.5 * self.weight_decay * self.weight.square().sum()

    @torch.no_grad()
    def start(self, splits: Splits) -> None:
        """Base rates of the pixels, smoothed by one more image of each colour, and the first fantasies from them."""
        lit = torch.stack([part.x.flatten(1).sum(0) for part in splits.train.blocks()]).sum(0)
        self.base.copy_(((lit + 1) / (len(splits.train.x) + 2)).logit())
        self.fantasies.copy_(self.base_sample(len(self.fantasies), None))

    @torch.no_grad()
    def normalise(self, splits: Splits) -> None:
        if self.exact:
            self.log_z.fill_(bounds.summed_log_partition(self.visible_bias, self.hidden_bias, self.weight))
            return
        value, error = bounds.estimated_log_partition(self, self.runs, self.anneal)
        self.log_z.fill_(value)
        self.log_z_error.fill_(error)

    def phases(self) -> list[Phase]:
        sgd = partial(torch.optim.SGD, lr=self.lr)
        name = "persistent_divergence" if self.persistent else "contrastive_divergence"
        learn = Objective(name, list(self.parameters()), self.loss, sgd, schedule=cosine)
        last = Phase("partition function", fit=self.normalise)
        return [Phase("base rates", fit=self.start), Phase("divergence", (learn,)), last]

    @property
    def log_z_base(self) -> Tensor:
        """log Z_0 = H log 2 + Σ_i softplus(a_i)."""
        return len(self.hidden_bias) * math.log(2) + F.softplus(self.base).sum()

    def base_sample(self, n: int, rng: Generator | None) -> Tensor:
        """(n, D) pixels of the base rates."""
        return bernoulli(self.base.expand(n, -1), rng)

    def log_prob(self, x: Tensor) -> Tensor:
        """−F(x) − log Z where log Z is known.  Elsewhere the bound, from `importance` annealings backwards from x."""
        v = x.flatten(1)
        if self.exact:
            return self.log_f(v, v @ self.weight) - self.log_z
        v = v.repeat_interleave(self.importance, 0)
        log_weights = bounds.reverse_annealed(self, v, self.anneal)
        return bounds.importance_weighted(log_weights.unflatten(0, (len(x), self.importance)), 1)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        v = self.base_sample(n, rng)
        return bounds.annealed(self, v, self.anneal, rng)[0].unflatten(1, self.space.shape)

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """Annealed with the kept pixels clamped."""
        keep = mask.expand_as(x).flatten(1)
        v = torch.where(keep, x.flatten(1), self.base_sample(len(x), rng))
        return bounds.annealed(self, v, self.anneal, rng, keep)[0].unflatten(1, self.space.shape)
