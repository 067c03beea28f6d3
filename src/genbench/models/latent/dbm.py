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
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits, parameters_in
from genbench.nn import bounds
from genbench.nn.boltzmann import STATES, Bipartite, DeepUnits, base_rates
from genbench.nn.schedules import cosine


class DBM(GenerativeModel):
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

    def divergence(self, machine: Bipartite, data: Tensor, chains: Tensor) -> Tensor:
        """Minus the bound up to what has no gradient: log f of the chains, moved on, minus that of data."""
        chains.copy_(machine.gibbs(chains, self.gibbs))
        loss = machine.unnormalised(chains).mean() - machine.unnormalised(data).mean()
        return loss + 0.5 * self.weight_decay * machine.weight.square().sum()

    def first_loss(self, batch: Batch) -> Tensor:
        return self.divergence(self.first, batch.x.flatten(1), self.first_fantasies)

    def loss(self, batch: Batch) -> Tensor:
        v = batch.x.flatten(1)
        data = torch.cat([v, self.machine.mean_field(v, self.mean_field)], 1)
        return self.divergence(self.machine, data, self.fantasies)

    @torch.no_grad()
    def start(self, splits: Splits) -> None:
        """Base rates of the pixels, and fantasies from them."""
        self.first.base.copy_(base_rates(splits))
        self.machine.base[: self.d] = self.first.base
        self.first_fantasies.copy_(self.first.base_sample(len(self.first_fantasies), None))

    @torch.no_grad()
    def stack(self, splits: Splits) -> None:
        """The machine begins as the first RBM, beside units of rate one half that hardly touch it."""
        self.machine.weight[: self.d] = self.first.weight
        self.machine.visible_bias[: self.d] = self.first.visible_bias
        self.machine.hidden_bias.copy_(self.first.hidden_bias)
        upper = torch.rand(len(self.fantasies), self.upper, device=self.fantasies.device).round()
        self.fantasies.copy_(torch.cat([self.first_fantasies, upper], 1))

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
        v = x.flatten(1)
        mu = self.machine.mean_field(v, self.mean_field)
        nu = (self.machine.project(torch.cat([v, mu], 1)) + self.machine.hidden_bias).sigmoid()
        return torch.cat([nu, mu], 1)

    def log_prob(self, x: Tensor) -> Tensor:
        """log Σ_g exp(…) − log Z over all states of g."""
        return self.machine.summed(x.flatten(1)) - self.log_z

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        u = bounds.annealed(self.machine, self.machine.base_sample(n, rng), self.anneal, rng)[0]
        return u[:, : self.d].unflatten(1, self.space.shape)

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """Annealed with the kept pixels clamped."""
        u = self.machine.base_sample(len(x), rng)
        keep = F.pad(mask.expand_as(x).flatten(1), (0, self.upper), value=False)
        u = torch.where(keep, F.pad(x.flatten(1), (0, self.upper)), u)
        done = bounds.annealed(self.machine, u, self.anneal, rng, keep)[0]
        return done[:, : self.d].unflatten(1, self.space.shape)

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """The bound on held-out data against what is exact, against the first RBM, and log Z against its estimate."""
        v = torch.cat([part.x.flatten(1) for part in splits.held_out.blocks()])
        bound, first = self.bound(v), self.first.unnormalised(v) - self.first_log_z
        meaning = "Lower bound of log p(x) in nats by mean fields for both layers"
        found = {
            "variational bound": Measure(bound, f"{meaning}.", "up"),
            "bound, gained over the first RBM": Measure(
                bound - first, f"{meaning}, minus log p(x) of the RBM that the machine started from.", "up"
            ),
        }
        if not hasattr(self, "exact"):
            return found
        exact = torch.cat([self.log_prob(part) for part in v.split(STATES)])
        u = self.machine.base_sample(self.runs, rng)
        log_weights = bounds.annealed(self.machine, u, self.anneal, rng)[1]
        ratio = (log_weights.double() + self.machine.log_z_base - self.log_z).exp()
        weights = "Weights of annealed importance sampling over the enumerated Z"
        return found | {
            "bound, below the exact": Measure(exact - bound, "log p(x), summed, minus its bound, in nats."),
            "Z, estimated by exact": Measure(ratio, f"{weights}: their mean's interval is to hold 1."),
        }
