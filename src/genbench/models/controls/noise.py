"""Control: uniform noise as samples.  Certainly new, certainly not from the distribution."""

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase, Space


class Noise(GenerativeModel):
    """Every value uniform over its L levels, or over [0, 1], independently: log p(x) = −D log L, or 0, exactly."""

    exact = True

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        if space.kind == "mesh":
            raise ValueError("got mesh, whose tokens are no numbers; expected controls/uniform_tokens")

    def phases(self) -> list[Phase]:
        return []

    def log_prob(self, x: Tensor) -> Tensor:
        nats = -self.space.dimensions * torch.tensor(float(self.space.levels or 1)).log()
        return nats.to(x.device).expand(len(x))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        shape = (n, *self.space.shape)
        if not self.space.levels:
            return torch.rand(shape, generator=rng, device=rng.device)
        drawn = torch.randint(self.space.levels, shape, generator=rng, device=rng.device)
        return self.space.to_unit(drawn)
