"""A distribution over the levels of one value: Bernoulli for two levels, categorical for more."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.core import Space


class Levels:
    """Networks emit `channels` logits for each value; everything here takes them with the channels last."""

    def __init__(self, space: Space) -> None:
        self.count = space.levels
        self.channels = 1 if space.levels == 2 else space.levels

    def log_prob(self, logits: Tensor, x: Tensor) -> Tensor:
        """(…, channels) logits and (…) values in [0, 1] -> (…) nats."""
        if self.count == 2:
            return -F.binary_cross_entropy_with_logits(logits[..., 0], x, reduction="none")
        target = (x * (self.count - 1)).round().long()
        return logits.log_softmax(-1).gather(-1, target[..., None])[..., 0]

    def sample(self, logits: Tensor, generator: Generator) -> Tensor:
        """(…, channels) logits -> (…) values in [0, 1]."""
        if self.count == 2:
            uniform = torch.rand(logits.shape[:-1], generator=generator, device=logits.device)
            return (uniform < logits[..., 0].sigmoid()).float()
        flat = logits.softmax(-1).reshape(-1, self.count)
        drawn = torch.multinomial(flat, 1, generator=generator)
        return drawn.reshape(logits.shape[:-1]).float() / (self.count - 1)

    def mean(self, logits: Tensor) -> Tensor:
        """(…, channels) logits -> (…) expected values in [0, 1]."""
        if self.count == 2:
            return logits[..., 0].sigmoid()
        values = torch.linspace(0, 1, self.count, device=logits.device)
        return logits.softmax(-1) @ values
