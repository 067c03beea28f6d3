"""Networks that grow from 4 × 4 pixels by doubling (Karras et al., 2018, arXiv:1710.10196, section 2)."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genbench.nn.init import Equalised
from genbench.nn.norms import MinibatchDeviation, PixelNorm
from genbench.nn.towers import RECTIFIER, enlarged

START = 4  # pixels a side at the first stage


def convolution(inputs: int, outputs: int, side: int = 3, gain: float = 2**0.5) -> Equalised:
    return Equalised(nn.Conv2d(inputs, outputs, side, padding=side // 2), gain)


class GrowingGenerator(nn.Module):
    """`maps`: feature maps stage by stage.  Each stage has a block and a 1 × 1 convolution to the image's channels."""

    def __init__(self, channels: int, latent: int, maps: list[int]) -> None:
        super().__init__()

        def layers(inputs: int, outputs: int) -> list[nn.Module]:
            return [convolution(inputs, outputs), RECTIFIER(), PixelNorm()]

        first = maps[0]
        unfold = Equalised(nn.Linear(latent, first * START**2), gain=2**0.5 / 4)  # the official code's gain
        stem = [PixelNorm(), unfold, nn.Unflatten(1, (first, START, START)), RECTIFIER(), PixelNorm()]
        self.blocks: Any = nn.ModuleList([nn.Sequential(*stem, *layers(first, first))])
        for a, b in pairwise(maps):
            self.blocks.append(nn.Sequential(*layers(a, b), *layers(b, b)))
        self.to_rgb: Any = nn.ModuleList(convolution(wide, channels, 1, gain=1.0) for wide in maps)

    def forward(self, z: Tensor, stage: int, alpha: Tensor | None) -> Tensor:
        """(n, k) -> (n, c, 4·2^stage, 4·2^stage); alpha: of a stage that fades in, or None."""
        h = before = self.blocks[0](z)
        for block in self.blocks[1 : stage + 1]:
            before, h = h, block(enlarged(h))
        new = self.to_rgb[stage](h)
        return new if alpha is None else torch.lerp(enlarged(self.to_rgb[stage - 1](before)), new, alpha)


class GrowingCritic(nn.Module):
    """The generator's mirror image: a 1 × 1 convolution from the image's channels and a block for each stage."""

    def __init__(self, channels: int, maps: list[int]) -> None:
        super().__init__()
        first = maps[0]
        self.from_rgb: Any = nn.ModuleList(
            nn.Sequential(convolution(channels, wide, 1), RECTIFIER()) for wide in maps
        )
        last = [MinibatchDeviation(), convolution(first + 1, first), RECTIFIER(), nn.Flatten()]
        hidden = Equalised(nn.Linear(first * START**2, first))
        head = nn.Sequential(*last, hidden, RECTIFIER(), Equalised(nn.Linear(first, 1), gain=1.0))
        self.blocks: Any = nn.ModuleList([head])
        for a, b in pairwise(maps):
            layers = [convolution(b, b), RECTIFIER(), convolution(b, a), RECTIFIER()]
            self.blocks.append(nn.Sequential(*layers, nn.AvgPool2d(2)))

    def forward(self, x: Tensor, stage: int, alpha: Tensor | None) -> Tensor:
        """(n, c, 4·2^stage, 4·2^stage) -> (n,) values of f."""
        h = self.from_rgb[stage](x)
        if alpha is not None:
            h = torch.lerp(self.from_rgb[stage - 1](F.avg_pool2d(x, 2)), self.blocks[stage](h), alpha)
            stage -= 1
        for block in reversed(self.blocks[: stage + 1]):
            h = block(h)
        return h[:, 0]
