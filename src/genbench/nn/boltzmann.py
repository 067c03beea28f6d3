"""Two layers of binary units, each independent given the other, and mean fields in deeper machines."""

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Splits
from genbench.nn.bounds import SUMMABLE, estimated_log_partition, summed_log_partition
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
