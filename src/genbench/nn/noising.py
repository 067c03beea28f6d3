"""Data under growing noise in continuous time, dx = f(t) x dt + g(t) dw: x_t = α_t x_0 + σ_t ε, t from 0 to 1."""

import math
from typing import Protocol

import torch
from torch import Tensor

EARLIEST = 1e-4  # where p_t stands for the data: with variance preserved the score has no limit at t = 0


class Noising(Protocol):
    """Of times of any shape."""

    def marginal(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """α_t and σ_t."""
        ...

    def rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """f(t) and g²(t)."""
        ...


class VariancePreserving:
    """β_t = .1 + 19.9 t, f = −½ β, g² = β: DDPM's noise in continuous time (Song et al., 2021,
    arXiv:2011.13456, eq. 11 and 32)."""

    low, high = 0.1, 20.0

    def marginal(self, t: Tensor) -> tuple[Tensor, Tensor]:
        log_signal = -0.25 * t.square() * (self.high - self.low) - 0.5 * t * self.low
        return log_signal.exp(), (-torch.expm1(2 * log_signal)).sqrt()

    def rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        beta = self.low + t * (self.high - self.low)
        return -0.5 * beta, beta


class VarianceExploding:
    """σ_t from .01 to 20 standard deviations of the data, in equal ratios; f = 0, g² = dσ²/dt (same paper,
    eq. 9 and 30)."""

    low, high = 0.01, 20.0

    def marginal(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ones_like(t), self.low * (self.high / self.low) ** t

    def rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        _, noise = self.marginal(t)
        return torch.zeros_like(t), 2 * math.log(self.high / self.low) * noise.square()


NOISINGS: dict[str, Noising] = {
    "variance_preserving": VariancePreserving(),
    "variance_exploding": VarianceExploding(),
}


def last_scale(noising: Noising) -> float:
    """√(α² + σ²) at t = 1, the deviation of what a sample of standardised data starts from."""
    signal, noise = noising.marginal(torch.ones(1))
    return float((signal.square() + noise.square()).sqrt())


def time_of(noising: Noising, share: float) -> Tensor:
    """The time at which σ/α is that share, by bisection."""
    low, high = torch.tensor(EARLIEST), torch.tensor(1.0)
    for _ in range(40):
        middle = (low + high) / 2
        signal, noise = noising.marginal(middle)
        low, high = (middle, high) if float(noise / signal) < share else (low, middle)
    return low
