"""Control: a few training images, over and over, with a little noise.  A generator that has collapsed onto them."""

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase, Space, Splits
from genbench.nn.copies import noisy, without_replacement
from genbench.storage.arrays import evenly


class FewImages(GenerativeModel):
    """images: how many, spread evenly over the training set.  noise: as of `noisy_copycat`."""

    independent = False

    kept: Tensor

    def __init__(self, space: Space, *, images: int = 10, noise: float = 0.05) -> None:
        super().__init__(space)
        if images < 1:
            raise ValueError(f"images: got {images}; expected at least 1")
        self.images, self.noise = images, noise
        self.register_buffer("kept", torch.zeros(0, *space.shape))

    def fit(self, splits: Splits) -> None:
        x = splits.train.some().x
        self.kept = x[torch.from_numpy(evenly(len(x), self.images)).to(x.device)].clone()

    def phases(self) -> list[Phase]:
        return [Phase("keep a few images", fit=self.fit)]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return noisy(without_replacement(self.kept, n, rng), self.noise, rng)
