"""Control: uniform noise as samples.  Certainly new, certainly not from the distribution."""

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase


class Noise(GenerativeModel):
    """Every value uniform over the levels, independently: log p(x) = −D log L, exactly."""

    exact = True

    def phases(self) -> list[Phase]:
        return []

    def log_prob(self, x: Tensor) -> Tensor:
        nats = -self.space.dimensions * torch.tensor(float(self.space.levels)).log()
        return nats.to(x.device).expand(len(x))

    def sample(self, n: int, condition: Tensor | None = None, *, generator: Generator) -> Tensor:
        shape = (n, *self.space.shape)
        drawn = torch.randint(self.space.levels, shape, generator=generator, device=generator.device)
        return self.space.to_unit(drawn)
