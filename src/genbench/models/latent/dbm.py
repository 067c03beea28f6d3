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
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn import bounds
from genbench.nn.boltzmann import Bipartite, binary_states, entropy
from genbench.nn.schedules import cosine

STATES = 64  # of the upper layer, summed at once


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
                f"hidden={hidden}, first={first}: expected two layers, and a share between 0 and 1"
            )
        self.share, self.gibbs, self.mean_field, self.anneal, self.runs = (
            first,
            gibbs,
            mean_field,
            anneal,
            runs,
        )
        self.lr, self.weight_decay, self.d, self.upper = lr, weight_decay, space.dimensions, hidden[1]
        self.first = Bipartite(self.d, hidden[0])
        self.machine = Bipartite(self.d + self.upper, hidden[0])
        self.register_buffer("first_fantasies", torch.zeros(chains, self.d))
        self.register_buffer("fantasies", torch.zeros(chains, self.d + self.upper))
        self.register_buffer("log_z", torch.zeros((), dtype=torch.float64))
        self.register_buffer("first_log_z", torch.zeros((), dtype=torch.float64))
        if min(hidden[0], self.d + self.upper) <= bounds.SUMMABLE and self.upper <= enumerable:
            self.exact = True  # which makes `log_prob` a likelihood

    @property
    def free_parameters(self) -> int:
        """Those of the machine; the first RBM was its start."""
        return sum(parameter.numel() for parameter in self.machine.parameters())

    @torch.no_grad()
    def upper_field(self, v: Tensor) -> Tensor:
        """μ, what g is expected to be: (n, D) -> (n, G), by sweeps that never lower the bound."""
        below = self.machine.project(F.pad(v, (0, self.upper))) + self.machine.hidden_bias
        upwards, bias = self.machine.weight[self.d :].T, self.machine.visible_bias[self.d :]  # U, d
        mu = torch.full((len(v), self.upper), 0.5, device=v.device)
        for _ in range(self.mean_field):
            mu = (bias + (below + mu @ upwards.T).sigmoid() @ upwards).sigmoid()
        return mu

    def divergence(self, machine: Bipartite, data: Tensor, chains: Tensor) -> Tensor:
        """Minus the bound up to what has no gradient: log f of the chains, moved on, minus that of data."""
        chains.copy_(machine.gibbs(chains, self.gibbs))
        loss = machine.unnormalised(chains).mean() - machine.unnormalised(data).mean()
        return loss + 0.5 * self.weight_decay * machine.weight.square().sum()

    def first_loss(self, batch: Batch) -> Tensor:
        return self.divergence(self.first, batch.x.flatten(1), self.first_fantasies)

    def loss(self, batch: Batch) -> Tensor:
        v = batch.x.flatten(1)
        return self.divergence(self.machine, torch.cat([v, self.upper_field(v)], 1), self.fantasies)

    @torch.no_grad()
    def start(self, splits: Splits) -> None:
        """Base rates of the pixels, smoothed by one more image of each colour, and fantasies from them."""
        lit = torch.stack([part.x.flatten(1).sum(0) for part in splits.train.blocks()]).sum(0)
        rates = ((lit + 1) / (len(splits.train.x) + 2)).logit()
        self.first.base.copy_(rates)
        self.machine.base[: self.d] = rates
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
        first = Objective(
            "first_divergence", list(self.first.parameters()), self.first_loss, sgd, schedule=cosine
        )
        whole = Objective("divergence", list(self.machine.parameters()), self.loss, sgd, schedule=cosine)
        return [
            Phase("base rates", fit=self.start),
            Phase("first RBM", (first,), share=self.share),
            Phase("stack", fit=self.stack),
            Phase("machine", (whole,), share=1 - self.share),
            Phase("partition functions", fit=self.normalise),
        ]

    def bound(self, v: Tensor) -> Tensor:
        """The variational bound of log p(v): (n, D) -> (n,) nats."""
        mu = self.upper_field(v)
        return self.machine.unnormalised(torch.cat([v, mu], 1)) + entropy(mu) - self.log_z

    def log_prob(self, x: Tensor) -> Tensor:
        """log Σ_g exp(…) − log Z over all states of g."""
        v = x.flatten(1)
        parts = []
        for g in binary_states(self.upper).to(x.device).split(STATES):
            u = torch.cat(
                [v[:, None].expand(-1, len(g), -1), g.expand(len(v), -1, -1)], 2
            )  # (n, states, D + G)
            parts.append(
                self.machine.unnormalised(u.flatten(0, 1)).unflatten(0, (len(v), len(g))).logsumexp(1)
            )
        return torch.stack(parts, 1).logsumexp(1) - self.log_z

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        u = self.machine.base_sample(n, rng)
        return bounds.annealed(self.machine, u, self.anneal, rng)[0][:, : self.d].unflatten(
            1, self.space.shape
        )

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
        meaning = "The variational bound of log p(x), mean fields for both layers, minus "
        found = {
            "variational bound": Measure(
                bound, "Lower bound of log p(x) in nats by mean fields for both layers.", "up"
            ),
            "bound, gained over the first RBM": Measure(
                bound - first, f"{meaning}log p(x) of the RBM that the machine started from, in nats.", "up"
            ),
        }
        if not hasattr(self, "exact"):
            return found
        exact = torch.cat([self.log_prob(part) for part in v.split(STATES)])
        log_weights = bounds.annealed(
            self.machine, self.machine.base_sample(self.runs, rng), self.anneal, rng
        )[1]
        ratio = (log_weights.double() + self.machine.log_z_base - self.log_z).exp()
        return found | {
            "bound, below the exact": Measure(
                exact - bound, "log p(x), summed, minus its variational bound, in nats."
            ),
            "Z, estimated by exact": Measure(
                ratio,
                "Weights of annealed importance sampling over the enumerated Z: their mean's interval is to hold 1.",
            ),
        }
