"""Control: training images as samples.  Novelty scores must call every one of them a copy."""

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase, Space, Splits
from genbench.nn.copies import without_replacement


class Copycat(GenerativeModel):
    """Draws training images without replacement, over again once all are drawn; of a large set it keeps a part."""

    independent = False

    images: Tensor

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.register_buffer("images", torch.zeros(0, *space.shape))

    def fit(self, splits: Splits) -> None:
        self.images = splits.train.some().x.clone()

    def phases(self) -> list[Phase]:
        return [Phase("keep training data", fit=self.fit)]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return without_replacement(self.images, n, rng)
