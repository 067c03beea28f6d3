"""Densities of the codes of a flow: a normal one, and mixtures."""

import math
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from genbench.nn.continuous import standard_normal
from genbench.nn.masked import MaskedNetwork

SPREAD, NARROW = 1.5, -1.0  # of a mixture's means at the start, and the log deviations of its components


class Base(Protocol):
    """A density of codes."""

    def log_prob(self, z: Tensor) -> Tensor:
        """(n, D) -> (n,) nats."""
        ...

    def sample(self, n: int, *, rng: Generator | None, device: torch.device | None) -> Tensor:
        """(n, D), from `rng` on its device, or from the training's own random state."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]: ...


class StandardNormal(nn.Module):
    """N(0, I)."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.dimensions = dimensions

    def log_prob(self, z: Tensor) -> Tensor:
        return standard_normal(z)

    def sample(self, n: int, *, rng: Generator | None, device: torch.device | None) -> Tensor:
        return torch.randn(n, self.dimensions, generator=rng, device=device)


def mixture_log_prob(numbers: Tensor, z: Tensor) -> Tensor:
    """log Σ_c π_c N(z; m_c, s_c²); numbers (…, 3 C) are log π, up to a constant, m and log s; z (…)."""
    logits, means, log_deviations = numbers.chunk(3, -1)
    away = (z[..., None] - means) * (-log_deviations).exp()
    log_normal = -0.5 * (away.square() + math.log(2 * math.pi)) - log_deviations
    return (logits.log_softmax(-1) + log_normal).logsumexp(-1)


def mixture_sample(numbers: Tensor, n: int, rng: Generator | None) -> Tensor:
    """numbers (n or 1, 3 C) -> (n,)."""
    logits, means, log_deviations = numbers.expand(n, -1).chunk(3, 1)
    chosen = torch.multinomial(logits.softmax(1), 1, generator=rng)
    noise = torch.randn(n, 1, generator=rng, device=numbers.device)
    return (means.gather(1, chosen) + noise * log_deviations.gather(1, chosen).exp())[:, 0]


def first_mixture(components: int) -> Tensor:
    """(3 C,): equal shares, means side by side."""
    means = torch.linspace(-SPREAD, SPREAD, components)
    return torch.cat([torch.zeros(components), means, torch.full((components,), NARROW)])


class IndependentMixtures(nn.Module):
    """Π_i Σ_c π_ic N(z_i; m_ic, s_ic²)."""

    def __init__(self, dimensions: int, components: int) -> None:
        super().__init__()
        self.numbers = nn.Parameter(first_mixture(components).repeat(dimensions, 1))

    def log_prob(self, z: Tensor) -> Tensor:
        return mixture_log_prob(self.numbers, z).sum(1)

    def sample(self, n: int, *, rng: Generator | None, device: torch.device | None) -> Tensor:
        return torch.stack([mixture_sample(numbers[None], n, rng) for numbers in self.numbers], 1)


class MaskedMixtures(nn.Module):
    """Π_i Σ_c π_ic N(z_i; m_ic, s_ic²), where all numbers of the i-th value see those before it: MADE MoG.

    Papamakarios et al., 2017, arXiv:1705.07057, section 4.
    """

    def __init__(
        self, dimensions: int, components: int, hidden: int, layers: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.network = MaskedNetwork(dimensions, hidden, layers, 3 * components, dropout)
        with torch.no_grad():
            self.network.head.bias.copy_(first_mixture(components).repeat(dimensions))

    def log_prob(self, z: Tensor) -> Tensor:
        return mixture_log_prob(self.network(z), z).sum(1)

    def sample(self, n: int, *, rng: Generator | None, device: torch.device | None) -> Tensor:
        return self.network.in_turn(lambda _, numbers: mixture_sample(numbers, n, rng))
