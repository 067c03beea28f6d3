"""Strided convolutions to a code, shuffled pixels back (Shi et al., 2016, arXiv:1609.05158), as DeepFakes has them."""

from itertools import pairwise

from torch import nn

from genbench.nn.towers import RECTIFIER, features, halvings


def encoder(channels: int, sides: tuple[int, int], width: int, code: int) -> nn.Sequential:
    """Strided 5×5 convolutions down to 4 pixels, and a linear layer."""
    maps, height, side = features(sides, width)
    widths = [channels, *(width * 2 ** (k + 1) for k in range(halvings(sides)))]
    body: list[nn.Module] = []
    for a, b in pairwise(widths):
        body += [nn.Conv2d(a, b, 5, 2, 2), RECTIFIER()]
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(maps * height * side, code, bias=False))


def decoder(channels: int, sides: tuple[int, int], width: int) -> nn.Sequential:
    """A 3×3 convolution, shuffled into pixels, doubles the sides each time."""
    maps = features(sides, width)[0]
    body: list[nn.Module] = []
    while maps > width:
        body += [nn.Conv2d(maps, 2 * maps, 3, padding=1), RECTIFIER(), nn.PixelShuffle(2)]
        maps //= 2
    return nn.Sequential(*body, nn.Conv2d(maps, channels, 5, padding=2))
