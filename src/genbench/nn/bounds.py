"""Likelihoods that cannot be computed: importance-weighted bounds, annealed importance sampling, and the sum itself."""

import math
from typing import Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

CHUNK = 2**14  # states summed at once
SUMMABLE = 26  # units: minutes
# Up to so many dimensions all elements are asked, which is quick there; beyond them so many.
FEW, ASKED = 16, 200


def asked_at_most(dimensions: int) -> int | None:
    """Of how many elements a likelihood is asked that takes a pass for each value or step; None: of all there are."""
    return ASKED if dimensions > FEW else None


def importance_weighted(log_weights: Tensor, dim: int = 0) -> Tensor:
    """log (1/K) Σ_k w_k over the K log weights along `dim`: a lower bound of log E[w] in expectation.

    Tighter with K (Burda et al., 2016, arXiv:1509.00519).
    """
    return log_weights.logsumexp(dim) - math.log(log_weights.shape[dim])


class AnnealingPath(Protocol):
    """Unnormalised densities f_β, β = 0 … 1, of states v (n, D), from one whose sum is known to the one asked about.

    Annealed importance sampling: Neal, 2001; Salakhutdinov & Murray, 2008.  `project` gives what `log_f` and
    `transition` need of v, once.
    """

    @property
    def log_z_base(self) -> Tensor:
        """log Z_0, of the sum of f_0."""
        ...

    def base_sample(self, n: int, rng: Generator | None) -> Tensor:
        """(n, D) draws of f_0."""
        ...

    def project(self, v: Tensor) -> Tensor:
        """(n, D) -> (n, k)."""
        ...

    def log_f(self, v: Tensor, projected: Tensor, beta: float = 1.0) -> Tensor:
        """log f_β(v), (n,)."""
        ...

    def transition(self, projected: Tensor, rng: Generator | None, beta: float = 1.0) -> Tensor:
        """A random step v -> v', (n, D), which leaves f_β as it is and is its own reverse."""
        ...


def inverse_temperatures(steps: int) -> list[tuple[float, float]]:
    """Neighbouring β on the way from 0 to 1: (0, 1/K), …, (1 − 1/K, 1)."""
    return [(k / steps, (k + 1) / steps) for k in range(steps)]


def annealed(
    path: AnnealingPath, v: Tensor, steps: int, rng: Generator | None, keep: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """K steps from draws v of f_0: (n, D) and the log weights Σ_k log f_k+1(v_k) − log f_k(v_k), (n,).

    Where `keep` is true v keeps its values.
    """
    log_weight = torch.zeros(len(v), device=v.device)
    for before, after in inverse_temperatures(steps):
        projected = path.project(v)
        log_weight += path.log_f(v, projected, after) - path.log_f(v, projected, before)
        moved = path.transition(projected, rng, after)
        v = moved if keep is None else torch.where(keep, v, moved)
    return v, log_weight


def reverse_annealed(path: AnnealingPath, v: Tensor, steps: int) -> Tensor:
    """log f_1(v) − log Z_0 − Σ_k (log f_k+1(v_k) − log f_k(v_k)), the K steps taken backwards from v: (n,).

    In expectation no more than the log probability with which the annealing ends at v (Burda et al., 2015,
    arXiv:1412.8566).
    """
    projected = path.project(v)
    total = path.log_f(v, projected) - path.log_z_base
    for before, after in reversed(inverse_temperatures(steps)):
        v = path.transition(projected, None, after)
        projected = path.project(v)
        total -= path.log_f(v, projected, after) - path.log_f(v, projected, before)
    return total


@torch.no_grad()
def partition_ratios(path: AnnealingPath, log_z: Tensor, runs: int, steps: int, rng: Generator) -> Tensor:
    """Z_0 w / Z of so many runs, (runs,), where log Z is known: 1 in expectation."""
    log_weight = annealed(path, path.base_sample(runs, rng), steps, rng)[1]
    return (log_weight.double() + path.log_z_base - log_z).exp()


@torch.no_grad()
def estimated_log_partition(
    path: AnnealingPath, runs: int, steps: int, rng: Generator | None = None
) -> tuple[float, float]:
    """log Z_0 + log mean w of so many runs, and its standard error by the delta method, sd(w) / (mean(w) √n)."""
    log_weight = annealed(path, path.base_sample(runs, rng), steps, rng)[1].double()
    weight = (log_weight - log_weight.max()).exp()
    value = path.log_z_base + log_weight.max() + weight.mean().log()
    return float(value), float(weight.std() / weight.mean() / math.sqrt(len(weight)))


def summed_log_partition(visible: Tensor, hidden: Tensor, weight: Tensor) -> float:
    """log Z of binary units with biases (D,), (H,) and weights (D, H), summed over all states s of the smaller side.

    log Σ_s exp(s·own) Π_l (1 + exp(other_l + s·W_l)).

    Raises:
        ValueError: too many units to sum over.
    """
    own, other, weight = visible.double(), hidden.double(), weight.double()
    if len(other) < len(own):
        own, other, weight = other, own, weight.T
    if len(own) > SUMMABLE:
        raise ValueError(f"{len(own)} units on the smaller side; expected at most {SUMMABLE} to sum over")
    bit = torch.arange(len(own), device=own.device)
    parts = []
    for first in range(0, 2 ** len(own), CHUNK):
        states = torch.arange(first, min(first + CHUNK, 2 ** len(own)), device=own.device)
        s = ((states[:, None] >> bit) & 1).double()
        parts.append((s @ own + F.softplus(other + s @ weight).sum(1)).logsumexp(0))
    return float(torch.stack(parts).logsumexp(0))
