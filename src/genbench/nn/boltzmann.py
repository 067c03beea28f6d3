"""Two layers of binary units, each independent given the other, and mean fields in deeper machines."""

import math
from abc import abstractmethod

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import GenerativeModel, Splits
from genbench.nn.bounds import SUMMABLE, annealed, estimated_log_partition, summed_log_partition
from genbench.nn.discrete import bernoulli

STATES = 64  # of the upper layer, summed at once


class Bipartite(nn.Module):
    """p(u, h) = exp(u·b + h·c + u·W h)/Z, with the path to it from independent units of rates σ(a).

    f_β(u) = exp(u·((1−β) a + β b)) Π_j (1 + exp(β (c_j + u·W_j))), an `AnnealingPath` (Salakhutdinov & Murray, 2008).
    """

    base: Tensor

    def __init__(self, visible: int, hidden: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.01 * torch.randn(visible, hidden))  # W
        self.visible_bias = nn.Parameter(torch.zeros(visible))  # b
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))  # c
        self.register_buffer("base", torch.zeros(visible))  # a

    @property
    def log_z_base(self) -> Tensor:
        """log Z_0 = H log 2 + Σ_i softplus(a_i)."""
        return len(self.hidden_bias) * math.log(2) + F.softplus(self.base).sum()

    def base_sample(self, n: int, rng: Generator | None) -> Tensor:
        """(n, D) units of the base rates."""
        return bernoulli(self.base.expand(n, -1), rng)

    def project(self, u: Tensor) -> Tensor:
        """What u sends to the hidden units, (n, H)."""
        return u @ self.weight

    def log_f(self, u: Tensor, projected: Tensor, beta: float = 1.0) -> Tensor:
        """log f_β(u), (n,); at β = 1 minus the free energy."""
        visible = u @ torch.lerp(self.base, self.visible_bias, beta)
        return visible + F.softplus(beta * (projected + self.hidden_bias)).sum(1)

    def transition(self, projected: Tensor, rng: Generator | None, beta: float = 1.0) -> Tensor:
        """A block Gibbs step u -> h -> u', which leaves f_β as it is and is its own reverse."""
        h = bernoulli(beta * (projected + self.hidden_bias), rng)
        return bernoulli(torch.lerp(self.base, self.visible_bias + h @ self.weight.T, beta), rng)

    def unnormalised(self, u: Tensor) -> Tensor:
        """log Σ_h exp(u·b + h·c + u·W h), (n,)."""
        return self.log_f(u, self.project(u))

    @torch.no_grad()
    def gibbs(self, u: Tensor, steps: int) -> Tensor:
        """So many steps of the chains u, from the training's own random state."""
        for _ in range(steps):
            u = self.transition(self.project(u), None)
        return u

    def divergence(self, data: Tensor, chains: Tensor, weight_decay: float) -> Tensor:
        """log f of the chains minus that of the data, whose gradient is that of contrastive divergence (Hinton, 2002).

        With ½ λ ‖W‖² for weight decay.
        """
        loss = self.unnormalised(chains).mean() - self.unnormalised(data).mean()
        return loss + 0.5 * weight_decay * self.weight.square().sum()

    def persistent_divergence(self, data: Tensor, chains: Tensor, steps: int, weight_decay: float) -> Tensor:
        """The same after the chains, which stay where they come to, have moved so many steps (Tieleman, 2008)."""
        chains.copy_(self.gibbs(chains, steps))
        return self.divergence(data, chains, weight_decay)

    def drawn(self, n: int, steps: int, rng: Generator) -> Tensor:
        """(n, D): where so many steps of annealing from the base rates end."""
        return annealed(self, self.base_sample(n, rng), steps, rng)[0]

    def completed(self, u: Tensor, keep: Tensor, steps: int, rng: Generator) -> Tensor:
        """As `drawn`, with the values of u (n, D) clamped where `keep` is true."""
        start = torch.where(keep, u, self.base_sample(len(u), rng))
        return annealed(self, start, steps, rng, keep)[0]

    @torch.no_grad()
    def log_partition(self, *, runs: int, anneal: int, rng: Generator | None = None) -> float:
        """log Z, summed over the smaller side where that is at most SUMMABLE units, else estimated by annealing."""
        if min(self.weight.shape) <= SUMMABLE:
            return summed_log_partition(self.visible_bias, self.hidden_bias, self.weight)
        return estimated_log_partition(self, runs, anneal, rng)[0]


class DeepUnits(Bipartite):
    """The units of a deep machine: v and the layer g above h are independent given h, and so are one side of it."""

    def __init__(self, visible: int, hidden: int, upper: int) -> None:
        super().__init__(visible + upper, hidden)
        self.visible, self.upper = visible, upper

    @torch.no_grad()
    def mean_field(self, v: Tensor, sweeps: int) -> Tensor:
        """μ, what g is expected to be: (n, D) -> (n, G), by sweeps that never lower the bound."""
        below = self.project(F.pad(v, (0, self.upper))) + self.hidden_bias
        upwards, bias = self.weight[self.visible :].T, self.visible_bias[self.visible :]  # U, d
        mu = torch.full((len(v), self.upper), 0.5, device=v.device)
        for _ in range(sweeps):
            mu = (bias + (below + mu @ upwards.T).sigmoid() @ upwards).sigmoid()
        return mu

    @torch.no_grad()
    def begin_as(self, first: Bipartite) -> None:
        """An RBM beside units of rate one half that hardly touch it, which is the RBM's own density."""
        self.weight[: self.visible] = first.weight
        self.visible_bias[: self.visible] = first.visible_bias
        self.hidden_bias.copy_(first.hidden_bias)

    def beside(self, v: Tensor) -> Tensor:
        """Visible units (n, D) -> states of this side, their upper units of rate one half."""
        return torch.cat([v, torch.rand(len(v), self.upper, device=v.device).round()], 1)

    def mean_fields(self, v: Tensor, sweeps: int) -> tuple[Tensor, Tensor]:
        """ν and μ, what h and g are expected to be: (n, D) -> (n, H) and (n, G)."""
        mu = self.mean_field(v, sweeps)
        return (self.project(torch.cat([v, mu], 1)) + self.hidden_bias).sigmoid(), mu

    def drawn(self, n: int, steps: int, rng: Generator) -> Tensor:
        """(n, D), the visible units."""
        return super().drawn(n, steps, rng)[:, : self.visible]

    def completed(self, u: Tensor, keep: Tensor, steps: int, rng: Generator) -> Tensor:
        """Visible units (n, D) -> the same, clamped where `keep` is true."""
        whole, clamped = F.pad(u, (0, self.upper)), F.pad(keep, (0, self.upper), value=False)
        return super().completed(whole, clamped, steps, rng)[:, : self.visible]

    def bound(self, v: Tensor, sweeps: int) -> Tensor:
        """The variational bound of log Σ_h,g exp(…), by mean fields: (n, D) -> (n,)."""
        mu = self.mean_field(v, sweeps)
        return self.unnormalised(torch.cat([v, mu], 1)) + entropy(mu)

    def summed(self, v: Tensor) -> Tensor:
        """log Σ_h,g exp(…) over all states of g: (n, D) -> (n,)."""
        parts = []
        for g in binary_states(self.upper).to(v.device).split(STATES):
            u = torch.cat([v[:, None].expand(-1, len(g), -1), g.expand(len(v), -1, -1)], 2)
            parts.append(self.unnormalised(u.flatten(0, 1)).unflatten(0, (len(v), len(g))).logsumexp(1))
        return torch.stack(parts, 1).logsumexp(1)


class AnnealedSamples(GenerativeModel):
    """Samples and completions are where annealing from the base rates ends; a subclass gives the machine."""

    anneal: int  # steps

    @abstractmethod
    def annealed(self) -> Bipartite:
        """The machine at the end of the annealing."""

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.annealed().drawn(n, self.anneal, rng).unflatten(1, self.space.shape)

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """Annealed with the kept pixels clamped."""
        keep = mask.expand_as(x).flatten(1)
        return self.annealed().completed(x.flatten(1), keep, self.anneal, rng).unflatten(1, self.space.shape)


def base_rates(splits: Splits) -> Tensor:
    """Base rates of the pixels as logits, (D,), smoothed by one more image of each colour."""
    lit = torch.stack([part.x.flatten(1).sum(0) for part in splits.train.blocks()]).sum(0)
    return ((lit + 1) / (len(splits.train.x) + 2)).logit()


def entropy(p: Tensor) -> Tensor:
    """Of independent units that are 1 with these probabilities, (n, k) -> (n,) nats."""
    return (torch.special.entr(p) + torch.special.entr(1 - p)).sum(1)


def binary_states(units: int) -> Tensor:
    """All of them, (2^units, units)."""
    return ((torch.arange(2**units)[:, None] >> torch.arange(units)) & 1).float()


def bound_measures(
    bound: Tensor, first: Tensor, exact: Tensor | None, ratios: Tensor | None
) -> dict[str, Measure]:
    """The variational bounds of held-out elements, (n,) nats, and log p(x) of the RBM the machine began as, (n,).

    exact: log p(x), (n,), and ratios: estimates of Z by the sum, (runs,), where it can be summed.
    """
    meaning = "Lower bound of log p(x) in nats by mean fields for both layers"
    gain = f"{meaning}, minus log p(x) of the RBM that the machine started from."
    found = {
        "variational bound": Measure(bound, f"{meaning}.", "up"),
        "bound, gained over the first RBM": Measure(bound - first, gain, "up"),
    }
    if exact is not None and ratios is not None:
        found["bound, below the exact"] = Measure(
            exact - bound, "log p(x), summed, minus its bound, in nats."
        )
        weights = "Weights of annealed importance sampling over the enumerated Z"
        found["Z, estimated by exact"] = Measure(ratios, f"{weights}: their mean's interval is to hold 1.")
    return found
