"""Control: training images with Gaussian noise as samples.  Copies that an exact comparison would miss."""

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase, Space, Splits
from genbench.nn.copies import noisy, without_replacement


class NoisyCopycat(GenerativeModel):
    """noise: standard deviation, in units of the full range of a pixel.  Of a large set a part is kept."""

    independent = False

    images: Tensor

    def __init__(self, space: Space, *, noise: float = 0.1) -> None:
        super().__init__(space)
        self.noise = noise
        self.register_buffer("images", torch.zeros(0, *space.shape))

    def fit(self, splits: Splits) -> None:
        self.images = splits.train.some().x.clone()

    def phases(self) -> list[Phase]:
        return [Phase("keep training data", fit=self.fit)]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return noisy(without_replacement(self.images, n, rng), self.noise, rng)
