"""Distributions over the levels of one value, given logits or other raw outputs of a network."""

from typing import Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.core import Space


class Output(Protocol):
    """Networks emit `channels` raw numbers for each value; everything here takes them last, (…, channels)."""

    channels: int

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """(…, channels) and (…) values in [0, 1] -> (…) nats."""
        ...

    def sample(self, raw: Tensor, rng: Generator) -> Tensor:
        """(…, channels) -> (…) values in [0, 1]."""
        ...

    def mean(self, raw: Tensor) -> Tensor:
        """(…, channels) -> (…) values in [0, 1]."""
        ...


def bernoulli(logits: Tensor, rng: Generator | None) -> Tensor:
    """0 or 1, with probability σ(logits) of 1."""
    return (torch.rand(logits.shape, generator=rng, device=logits.device) < logits.sigmoid()).float()


class Levels:
    """Bernoulli for two levels, categorical for more; the raw numbers are logits."""

    def __init__(self, space: Space) -> None:
        self.count = space.levels
        self.channels = 1 if space.levels == 2 else space.levels

    def log_prob(self, logits: Tensor, x: Tensor) -> Tensor:
        """(…, channels) logits and (…) values in [0, 1] -> (…) nats."""
        if self.count == 2:
            return -F.binary_cross_entropy_with_logits(logits[..., 0], x, reduction="none")
        target = (x * (self.count - 1)).round().long()
        return logits.log_softmax(-1).gather(-1, target[..., None])[..., 0]

    def sample(self, logits: Tensor, rng: Generator) -> Tensor:
        """(…, channels) logits -> (…) values in [0, 1]."""
        if self.count == 2:
            uniform = torch.rand(logits.shape[:-1], generator=rng, device=logits.device)
            return (uniform < logits[..., 0].sigmoid()).float()
        flat = logits.softmax(-1).reshape(-1, self.count)
        drawn = torch.multinomial(flat, 1, generator=rng)
        return drawn.reshape(logits.shape[:-1]).float() / (self.count - 1)

    def mean(self, logits: Tensor) -> Tensor:
        """(…, channels) logits -> (…) expected values in [0, 1]."""
        if self.count == 2:
            return logits[..., 0].sigmoid()
        values = torch.linspace(0, 1, self.count, device=logits.device)
        return logits.softmax(-1) @ values


class DiscretizedLogistic:
    """P(level) = σ((x + ½δ − μ)/s) − σ((x − ½δ − μ)/s), δ the step between levels, open at both ends.

    Two numbers for each value, μ and log s, where a categorical has one a level: neighbouring levels share strength.
    Source: Salimans et al., 2017, arXiv:1701.05517, section 2.1.
    """

    channels = 2

    def __init__(self, space: Space) -> None:
        self.count = space.levels
        self.half = 0.5 / (space.levels - 1)

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        mean, log_scale = self.parameters(raw)
        above = (x + self.half - mean) * (-log_scale).exp()
        below = (x - self.half - mean) * (-log_scale).exp()
        # σ(a) − σ(b) = σ(a) σ(−b) (1 − e^(b − a)), which keeps its precision far out in the tails.
        inside = F.logsigmoid(above) + F.logsigmoid(-below) + torch.log(-torch.expm1(below - above))
        lowest, highest = x < self.half, x > 1 - self.half
        return torch.where(lowest, F.logsigmoid(above), torch.where(highest, F.logsigmoid(-below), inside))

    def sample(self, raw: Tensor, rng: Generator) -> Tensor:
        mean, log_scale = self.parameters(raw)
        uniform = torch.rand(mean.shape, generator=rng, device=mean.device).clamp(1e-6, 1 - 1e-6)
        x = (mean + log_scale.exp() * uniform.logit()).clamp(0, 1)
        return (x * (self.count - 1)).round() / (self.count - 1)

    def mean(self, raw: Tensor) -> Tensor:
        return self.parameters(raw)[0].clamp(0, 1)

    @staticmethod
    def parameters(raw: Tensor) -> tuple[Tensor, Tensor]:
        """μ, around the middle of the range, and log s, no narrower than e⁻⁶."""
        return raw[..., 0] + 0.5, (raw[..., 1] - 2).clamp(min=-6)


def smooth_output(space: Space) -> Output:
    """Bernoulli for two levels, a discretised logistic for more: for decoders, whose means should be smooth."""
    return Levels(space) if space.levels == 2 else DiscretizedLogistic(space)
