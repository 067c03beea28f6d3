"""Gaussian diffusion in discrete time: noise schedules, the steps of the reverse chain, the last step's levels."""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor


def linear_schedule(timesteps: int) -> Tensor:
    """β from 1e-4 to .02 in 1000 steps (DDPM, section 4); with fewer, as much noise in all.  -> ᾱ_1 … ᾱ_T."""
    beta = torch.linspace(1e-4, 0.02, timesteps, dtype=torch.float64) * (1000 / timesteps)
    return (1 - beta.clamp(max=0.999)).cumprod(0)


def cosine_schedule(timesteps: int) -> Tensor:
    """ᾱ_t = f(t)/f(0), f(t) = cos²(π/2 · (t/T + .008)/1.008) (Nichol & Dhariwal, 2021, arXiv:2102.09672, eq. 17)."""
    t = torch.arange(timesteps + 1, dtype=torch.float64) / timesteps
    f = ((t + 0.008) / 1.008 * math.pi / 2).cos().square()
    return (f[1:] / f[:-1]).clamp(min=0.001).cumprod(0)


class Step(NamedTuple):
    """From t to t − 1: q(x_{t−1}|x_t, x_0) = N(from_start · x_0 + from_here · x_t, β̃_t) (DDPM, eq. 6 and 7)."""

    from_start: float
    from_here: float
    posterior_std: float  # √β̃_t, 0 for t = 1
    std: float  # σ_t

    def mean(self, start: Tensor, x: Tensor) -> Tensor:
        return self.from_start * start + self.from_here * x


def reverse_steps(alpha_bar: list[float], variance: float) -> list[Step]:
    """The steps for t = 1 … T, behind one for t = 0 that nobody takes; σ_t² = β_t^v β̃_t^(1−v)."""
    steps = [Step(0.0, 0.0, 0.0, 0.0)]
    for before, after in pairwise(alpha_bar):
        beta = 1 - after / before
        posterior = beta * (1 - before) / (1 - after)
        from_start, from_here = (
            beta * before**0.5 / (1 - after),
            (1 - beta) ** 0.5 * (1 - before) / (1 - after),
        )
        # β̃_1 is 0, but p(x_0|x_1) needs a width.
        spread = beta**variance * posterior ** (1 - variance) if posterior else beta
        steps.append(Step(from_start, from_here, posterior**0.5, spread**0.5))
    return steps


def level_log_prob(x: Tensor, mean: Tensor, std: float, levels: int) -> Tensor:
    """log p(x_0|x_1), x in [−1, 1]: a normal law's mass around each level, open at both ends (DDPM, eq. 13)."""
    half = 1 / (levels - 1)
    below = ((x - half - mean) / std).masked_fill(x < half - 1, -math.inf)
    above = ((x + half - mean) / std).masked_fill(x > 1 - half, math.inf)
    # Φ(b) − Φ(a) = Φ(−a) − Φ(−b): to the left of 0 both keep their precision.
    low, high = torch.where(below > 0, -above, below), torch.where(below > 0, -below, above)
    log_high = torch.special.log_ndtr(high)
    return log_high + torch.log1p(-(torch.special.log_ndtr(low) - log_high).exp())
