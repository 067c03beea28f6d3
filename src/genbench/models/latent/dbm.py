"""Deep Boltzmann machine (Salakhutdinov & Hinton, 2009, AISTATS): a layer of binary units above those of an RBM.

p(v, h, g) = exp(v·b + h·c + g·d + v·W h + h·U g) / Z.  v and g are independent given h: the machine is bipartite, with
u = (v, g) on one side and h on the other, and every sum over h is known.  Learning follows the paper: mean fields
μ = σ(d + Uᵀν), ν = σ(c + Wᵀv + U μ) of the units that data leave open, against persistent chains; the bound

  log p(v) ≥ log Σ_h exp(energy of (v, μ), h) + H(μ) − log Z.

The layers are not pretrained with doubled weights as in the paper: the first RBM learns by itself, and the machine
starts from it with U ≈ 0, which is the same density.  So what the second layer brings can be said in nats.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor

from genbench.capabilities import Measure
from genbench.core import Batch, Objective, Phase, Space, Splits, parameters_in
from genbench.nn import bounds
from genbench.nn.boltzmann import STATES, AnnealedSamples, Bipartite, DeepUnits, base_rates, bound_measures
from genbench.nn.schedules import cosine


class DBM(AnnealedSamples):
    """Two hidden layers; data of two levels only.

    hidden: units of h and of g.  first: share of the steps that the first RBM gets.  gibbs: steps of the `chains`
    fantasies before each update.  mean_field: sweeps over μ and ν.  anneal: steps from base rates to the machine, in
    sampling and in estimates of log Z, means of `runs`.  enumerable: most units of g over which log p(v) is summed.

    The likelihood is exact, and claimed, where Z and the states of g can be summed; elsewhere only the bound is
    measured, with an estimate of log Z that is too low in expectation, as the paper does.
    """

    tiny: ClassVar = {"hidden": (12, 6), "anneal": 50, "runs": 50}
    exact: bool
    fantasies: Tensor
    first_fantasies: Tensor
    log_z: Tensor
    first_log_z: Tensor

    def __init__(
        self,
        space: Space,
        *,
        hidden: tuple[int, ...] = (500, 1000),
        first: float = 0.5,
        gibbs: int = 5,
        chains: int = 100,
        mean_field: int = 10,
        anneal: int = 1000,
        runs: int = 200,
        enumerable: int = 10,
        lr: float = 0.05,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space)
        if space.levels != 2:
            raise ValueError(f"levels={space.levels}: the units of a DBM are binary; expected 2 levels")
        if len(hidden) != 2 or not 0 < first < 1:
            raise ValueError(
                f"hidden={hidden}, first={first}: expected two layers, and a share within 0 and 1"
            )
        self.share, self.gibbs, self.mean_field = first, gibbs, mean_field
        self.anneal, self.runs, self.lr, self.weight_decay = anneal, runs, lr, weight_decay
        self.d, self.upper = space.dimensions, hidden[1]
        self.first = Bipartite(self.d, hidden[0])
        self.machine = DeepUnits(self.d, hidden[0], self.upper)
        self.register_buffer("first_fantasies", torch.zeros(chains, self.d))
        self.register_buffer("fantasies", torch.zeros(chains, self.d + self.upper))
        self.register_buffer("log_z", torch.zeros((), dtype=torch.float64))
        self.register_buffer("first_log_z", torch.zeros((), dtype=torch.float64))
        if min(hidden[0], self.d + self.upper) <= bounds.SUMMABLE and self.upper <= enumerable:
            self.exact = True  # which makes `log_prob` a likelihood

    @property
    def free_parameters(self) -> int:
        """Those of the machine; the first RBM was its start."""
        return parameters_in(self.machine)

    def first_loss(self, batch: Batch) -> Tensor:
        v = batch.x.flatten(1)
        return self.first.persistent_divergence(v, self.first_fantasies, self.gibbs, self.weight_decay)

    def loss(self, batch: Batch) -> Tensor:
        """Minus the bound up to what has no gradient: log f of the chains, moved on, minus that of data."""
        v = batch.x.flatten(1)
        data = torch.cat([v, self.machine.mean_field(v, self.mean_field)], 1)
        return self.machine.persistent_divergence(data, self.fantasies, self.gibbs, self.weight_decay)

    @torch.no_grad()
    def start(self, splits: Splits) -> None:
        """Base rates of the pixels, and fantasies from them."""
        self.first.base.copy_(base_rates(splits))
        self.machine.base[: self.d] = self.first.base
        self.first_fantasies.copy_(self.first.base_sample(len(self.first_fantasies), None))

    @torch.no_grad()
    def stack(self, splits: Splits) -> None:
        """The machine begins as the first RBM, beside units of rate one half that hardly touch it."""
        self.machine.begin_as(self.first)
        self.fantasies.copy_(self.machine.beside(self.first_fantasies))

    @torch.no_grad()
    def normalise(self, splits: Splits) -> None:
        for log_z, machine in ((self.first_log_z, self.first), (self.log_z, self.machine)):
            log_z.fill_(machine.log_partition(runs=self.runs, anneal=self.anneal))

    def phases(self) -> list[Phase]:
        sgd = partial(torch.optim.SGD, lr=self.lr)
        below, own = list(self.first.parameters()), list(self.machine.parameters())
        first = Objective("first_divergence", below, self.first_loss, sgd, schedule=cosine)
        whole = Objective("divergence", own, self.loss, sgd, schedule=cosine)
        return [
            Phase("base rates", fit=self.start),
            Phase("first RBM", (first,), share=self.share),
            Phase("stack", fit=self.stack),
            Phase("machine", (whole,), share=1 - self.share),
            Phase("partition functions", fit=self.normalise),
        ]

    def bound(self, v: Tensor) -> Tensor:
        """The variational bound of log p(v): (n, D) -> (n,) nats."""
        return self.machine.bound(v, self.mean_field) - self.log_z

    def codes(self, x: Tensor) -> Tensor:
        """The mean fields of h and g side by side, (n, H + G)."""
        return torch.cat(self.machine.mean_fields(x.flatten(1), self.mean_field), 1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log Σ_g exp(…) − log Z over all states of g."""
        return self.machine.summed(x.flatten(1)) - self.log_z

    def annealed(self) -> Bipartite:
        return self.machine

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """The bound on held-out data against what is exact, against the first RBM, and log Z against its estimate."""
        v = torch.cat([part.x.flatten(1) for part in splits.held_out.blocks()])
        bound, first = self.bound(v), self.first.unnormalised(v) - self.first_log_z
        exact = ratios = None
        if hasattr(self, "exact"):
            exact = torch.cat([self.log_prob(part) for part in v.split(STATES)])
            ratios = bounds.partition_ratios(self.machine, self.log_z, self.runs, self.anneal, rng)
        return bound_measures(bound, first, exact, ratios)
