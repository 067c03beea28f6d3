"""Control: held-out images of which a tenth are replaced by training images.  Copying that averages hide."""

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase, Space, Splits


class TenthCopycat(GenerativeModel):
    """share: the part of the samples that are copies, at random places.  Of a large set a part is kept."""

    independent = False

    copies: Tensor
    originals: Tensor

    def __init__(self, space: Space, *, share: float = 0.1) -> None:
        super().__init__(space)
        if not 0 <= share <= 1:
            raise ValueError(f"share: got {share}; expected a number from 0 to 1")
        self.share = share
        self.register_buffer("copies", torch.zeros(0, *space.shape))
        self.register_buffer("originals", torch.zeros(0, *space.shape))

    def fit(self, splits: Splits) -> None:
        self.copies, self.originals = splits.train.some().x.clone(), splits.held_out.whole().clone()

    def phases(self) -> list[Phase]:
        return [Phase("keep both splits", fit=self.fit)]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        device = self.copies.device
        x = self.originals[torch.arange(n, device=device) % len(self.originals)].clone()
        places = torch.randperm(n, generator=rng, device=device)[: round(self.share * n)]
        drawn = torch.randint(len(self.copies), places.shape, generator=rng, device=device)
        x[places] = self.copies[drawn]
        return x
