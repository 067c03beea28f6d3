"""A distribution over values that are taken as they stand, given the raw outputs of a network."""

import math

import torch
from torch import Generator, Tensor, nn

from genbench.core import Space


class GaussianValues(nn.Module):
    """N(½ + raw, s²) for values that are taken as they stand, s one for each: min E‖x − r(x̃)‖² for every s."""

    channels = 1

    def __init__(self, space: Space) -> None:
        super().__init__()
        self.log_std = nn.Parameter(torch.full((space.dimensions,), -2.0))

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """(n, D, 1) and (n, D) -> (n, D) nats."""
        error = (x - self.mean(raw)) / self.log_std.exp()
        return -0.5 * error.square() - self.log_std - 0.5 * math.log(2 * math.pi)

    def sample(self, raw: Tensor, rng: Generator) -> Tensor:
        mean = self.mean(raw)
        return mean + self.log_std.exp() * torch.randn(mean.shape, generator=rng, device=mean.device)

    def mean(self, raw: Tensor) -> Tensor:
        return raw[..., 0] + 0.5
