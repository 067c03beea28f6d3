"""Networks that see two images at once through one tower (SD-GAN: Donahue et al., 2018, arXiv:1705.07904)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genbench.nn.towers import RECTIFIER, built, down_tower, features


class SiameseDiscriminator(nn.Module):
    """One tower for both images; their feature maps, stacked, go through a convolution and a linear layer.

    No batch norm, whose statistics would tell a batch of real pairs from one of generated ones.
    """

    def __init__(self, channels: int, sides: Sequence[int], width: int, dropout: float) -> None:
        super().__init__()
        (down,) = built(down_tower(channels, sides, width, norm=False, dropout=dropout))
        maps, height, side = features(sides, width)
        self.tower = nn.Sequential(*down)
        self.joint = nn.Sequential(
            nn.Conv2d(2 * maps, maps, 3, padding=1),
            RECTIFIER(),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(maps * height * side, 1),
        )

    def compare(self, one: Tensor, other: Tensor) -> Tensor:
        """The tower's feature maps of two images, (n, maps, height, width) each -> (n,) logits."""
        return self.joint(torch.cat([one, other], 1))[:, 0]

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(n, c, h, w) twice -> (n,) logits: both are real and show the same."""
        return self.compare(*self.tower(torch.cat([one, other])).chunk(2))
