"""Networks that see an element and a time, and give something of the element's shape (arXiv:1505.04597, 2006.11239)."""

import math
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from genbench.core import Space


def time_features(t: Tensor, width: int) -> Tensor:
    """(n,) -> (n, width): sines and cosines of t at rates 1 to 1e-4 (Vaswani et al., 2017, arXiv:1706.03762)."""
    rates = torch.exp(torch.arange(width // 2, device=t.device) * (-math.log(1e4) * 2 / width))
    angles = t[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


class Residual(nn.Module):
    """x + f(x, time): two layers, the time's features added between them.  `layer`, `norm` make one from its widths."""

    def __init__(self, layer: Any, norm: Any, inputs: int, outputs: int, time: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Sequential(norm(inputs), nn.SiLU(), layer(inputs, outputs))
        self.time = nn.Linear(time, outputs)
        self.second = nn.Sequential(norm(outputs), nn.SiLU(), nn.Dropout(dropout), layer(outputs, outputs))
        self.skip = nn.Identity() if inputs == outputs else layer(inputs, outputs)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.first(x)
        h = h + self.time(time)[(...,) + (None,) * (h.ndim - 2)]
        return self.skip(x) + self.second(h)


class Perceptron(nn.Module):
    """Residual blocks on the flattened element, which may have any shape."""

    def __init__(self, space: Space, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.shape, d = space.shape, space.dimensions
        self.stem = nn.Linear(d, width)
        block = partial(Residual, nn.Linear, nn.LayerNorm, time=width, dropout=dropout)
        self.blocks = nn.ModuleList(block(width, width) for _ in range(blocks))
        self.head = nn.Sequential(nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, d))

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.stem(x.flatten(1))
        for block in self.blocks:
            h = block(h, time)
        return self.head(h).unflatten(1, self.shape)


class UNet(nn.Module):
    """`blocks` residual blocks a resolution, halved while both sides are even and 8 or more; no attention.

    Twice the maps at half the side.  At 4 × 4 to 7 × 7 places two convolutions see the whole image.
    """

    def __init__(self, space: Space, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        channels, *sides = space.shape
        widths = [width]
        while all(side % 2 == 0 and side >= 8 for side in sides):
            sides, widths = [side // 2 for side in sides], [*widths, 2 * widths[-1]]
        conv = partial(nn.Conv2d, kernel_size=3, padding=1)
        block = partial(Residual, conv, partial(nn.GroupNorm, 4), time=width, dropout=dropout)
        self.stem = conv(channels, width)
        self.encoders: Any = nn.ModuleList(nn.ModuleList(block(w, w) for _ in range(blocks)) for w in widths)
        self.shrink: Any = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in pairwise(widths))
        self.grow: Any = nn.ModuleList(nn.ConvTranspose2d(b, a, 4, 2, 1) for a, b in pairwise(widths))
        self.decoders: Any = nn.ModuleList(
            nn.ModuleList(block(w if k else 2 * w, w) for k in range(blocks)) for w in widths[:-1]
        )
        self.head = nn.Sequential(nn.GroupNorm(4, width), nn.SiLU(), conv(width, channels))

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h, kept = self.stem(x), []
        for blocks, shrink in zip(self.encoders, [*self.shrink, None], strict=True):
            for block in blocks:
                h = block(h, time)
            if shrink is not None:
                kept.append(h)
                h = shrink(h)
        for grow, blocks in zip(reversed(self.grow), reversed(self.decoders), strict=True):
            h = torch.cat([grow(h), kept.pop()], 1)
            for block in blocks:
                h = block(h, time)
        return self.head(h)
