"""Restricted Boltzmann machine (Smolensky, 1986; Hinton, 2002).  p(v, h) = exp(v·b + h·c + v·W h) / Z.

So p(v) = exp(−F(v)) / Z with the free energy F(v) = −v·b − Σ_j softplus(c_j + v·W_j).  Trained by contrastive
divergence (Hinton, 2002), or its persistent form (Tieleman, 2008).  log Z, by enumeration or by annealed
importance sampling (Neal, 2001; Salakhutdinov & Murray, 2008), bridges from the base rates a to the machine:
f_β(v) = exp(v·((1−β) a + β b)) Π_j (1 + exp(β (c_j + v·W_j))), β = 0 … 1, where Z_0 is known.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from genbench.core import Batch, Objective, Phase, Space, Splits
from genbench.nn import bounds
from genbench.nn.boltzmann import AnnealedSamples, Bipartite, base_rates
from genbench.nn.schedules import cosine


class RBM(AnnealedSamples):
    """Bernoulli units on both sides; data of two levels only.

    gibbs: k, the steps of a chain before each update.  persistent: go on with `chains` fantasies, not from the data.
    anneal: the steps from the base rates to the machine, in sampling and in estimates of log Z, means of `runs`;
    `importance` of them make the bound.  enumerable: units of the smaller side up to which log Z is summed instead.

    `exact` where Z was summed; samples come from the end of the annealing, which is close to p(v).  Elsewhere an
    estimate of log Z gives no bound on log p(v): E[log Ẑ] ≤ log Z.  But the annealing is a directed model of its own,
    the one that is sampled from, and its reversal gives a true lower bound (Burda et al., 2015, arXiv:1412.8566).
    """

    tightens = True
    tiny: ClassVar = {"hidden": 24, "anneal": 50, "importance": 400}
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
        self.units = Bipartite(d, hidden)
        self.register_buffer("fantasies", torch.zeros(chains if persistent else 0, d))
        self.register_buffer("log_z", torch.zeros((), dtype=torch.float64))
        self.register_buffer("log_z_error", torch.zeros((), dtype=torch.float64))

    def loss(self, batch: Batch) -> Tensor:
        """F(data) − F(chains), whose gradient, the chains held fixed, is that of contrastive divergence."""
        x = batch.x.flatten(1)
        if self.persistent:
            return self.units.persistent_divergence(x, self.fantasies, self.gibbs, self.weight_decay)
        return self.units.divergence(x, self.units.gibbs(x, self.gibbs), self.weight_decay)

    @torch.no_grad()
    def start(self, splits: Splits) -> None:
        """Base rates of the pixels, and the first fantasies from them."""
        self.units.base.copy_(base_rates(splits))
        self.fantasies.copy_(self.units.base_sample(len(self.fantasies), None))

    @torch.no_grad()
    def normalise(self, splits: Splits) -> None:
        if self.exact:
            units = self.units
            self.log_z.fill_(bounds.summed_log_partition(units.visible_bias, units.hidden_bias, units.weight))
            return
        value, error = bounds.estimated_log_partition(self.units, self.runs, self.anneal)
        self.log_z.fill_(value)
        self.log_z_error.fill_(error)

    def phases(self) -> list[Phase]:
        sgd = partial(torch.optim.SGD, lr=self.lr)
        name = "persistent_divergence" if self.persistent else "contrastive_divergence"
        learn = Objective(name, list(self.parameters()), self.loss, sgd, schedule=cosine)
        last = Phase("partition function", fit=self.normalise)
        return [Phase("base rates", fit=self.start), Phase("divergence", (learn,)), last]

    def codes(self, x: Tensor) -> Tensor:
        """P(h = 1|v), (n, H)."""
        return (self.units.project(x.flatten(1)) + self.units.hidden_bias).sigmoid()

    def log_prob(self, x: Tensor) -> Tensor:
        """−F(x) − log Z where log Z is known.  Elsewhere the bound, from `importance` annealings backwards from x."""
        v = x.flatten(1)
        if self.exact:
            return self.units.unnormalised(v) - self.log_z
        v = v.repeat_interleave(self.importance, 0)
        log_weights = bounds.reverse_annealed(self.units, v, self.anneal)
        return bounds.importance_weighted(log_weights.unflatten(0, (len(x), self.importance)), 1)

    def annealed(self) -> Bipartite:
        return self.units
