"""Two layers of binary units, each independent given the other, and mean fields in deeper machines."""

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.nn.bounds import SUMMABLE, estimated_log_partition, summed_log_partition
from genbench.nn.discrete import bernoulli


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


def entropy(p: Tensor) -> Tensor:
    """Of independent units that are 1 with these probabilities, (n, k) -> (n,) nats."""
    return (torch.special.entr(p) + torch.special.entr(1 - p)).sum(1)


def binary_states(units: int) -> Tensor:
    """All of them, (2^units, units)."""
    return ((torch.arange(2**units)[:, None] >> torch.arange(units)) & 1).float()
