"""Annealed importance sampling (Neal, 2001; Salakhutdinov & Murray, 2008) between f_0, whose sum is known, and f_1."""

import math
from typing import Protocol

import torch
from torch import Generator, Tensor


class Bridge(Protocol):
    """Unnormalised densities f_β, β = 0 … 1, of states v (n, D); `see` gives what both others need of v, once."""

    def see(self, v: Tensor) -> Tensor:
        """(n, D) -> (n, k)."""
        ...

    def log_f(self, v: Tensor, seen: Tensor, beta: float = 1.0) -> Tensor:
        """log f_β(v), (n,)."""
        ...

    def transition(self, seen: Tensor, rng: Generator | None, beta: float = 1.0) -> Tensor:
        """A random step v -> v', (n, D), which leaves f_β as it is and is its own reverse."""
        ...


def rungs(steps: int) -> list[tuple[float, float]]:
    """Neighbours on the way from 0 to 1: (0, 1/K), …, (1 − 1/K, 1)."""
    return [(k / steps, (k + 1) / steps) for k in range(steps)]


def annealed(
    bridge: Bridge, v: Tensor, keep: Tensor, steps: int, rng: Generator | None
) -> tuple[Tensor, Tensor]:
    """K steps from draws of f_0: (n, D) and the log weights Σ_k log f_k+1(v_k) − log f_k(v_k), (n,).

    Where `keep` is true v keeps its values.
    """
    log_weight = torch.zeros(len(v), device=v.device)
    for near, far in rungs(steps):
        seen = bridge.see(v)
        log_weight += bridge.log_f(v, seen, far) - bridge.log_f(v, seen, near)
        v = torch.where(keep, v, bridge.transition(seen, rng, far))
    return v, log_weight


def bound(bridge: Bridge, v: Tensor, log_base: Tensor, steps: int) -> Tensor:
    """log f_1(v) − log Z_0 − Σ_k (log f_k+1(v_k) − log f_k(v_k)), the K steps taken backwards from v: (n,).

    In expectation no more than the log probability with which the annealing ends at v (Burda et al., 2015,
    arXiv:1412.8566).  log_base: log Z_0, of the sum of f_0.
    """
    seen = bridge.see(v)
    total = bridge.log_f(v, seen) - log_base
    for near, far in reversed(rungs(steps)):
        v = bridge.transition(seen, None, far)
        seen = bridge.see(v)
        total -= bridge.log_f(v, seen, far) - bridge.log_f(v, seen, near)
    return total


def log_partition(log_weight: Tensor, log_base: Tensor) -> tuple[float, float]:
    """log Z_0 + log mean w, and its standard error by the delta method, sd(w) / (mean(w) √n)."""
    log_weight = log_weight.double()
    weight = (log_weight - log_weight.max()).exp()
    value = log_base + log_weight.max() + weight.mean().log()
    return float(value), float(weight.std() / weight.mean() / math.sqrt(len(weight)))
