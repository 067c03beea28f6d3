"""Control: held-out data as samples, in order.  The floor: what perfect samples would score."""

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase, Space, Splits


class Real(GenerativeModel):
    """Sample i is held-out image i; the evaluation never compares the two, see docs/evaluation.md."""

    independent, noiseless = False, True

    images: Tensor

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.register_buffer("images", torch.zeros(0, *space.shape))

    def fit(self, splits: Splits) -> None:
        self.images = splits.held_out.whole().clone()

    def phases(self) -> list[Phase]:
        return [Phase("keep held-out data", fit=self.fit)]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.images[torch.arange(n, device=self.images.device) % len(self.images)]
