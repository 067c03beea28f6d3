"""Encoders and decoders of one shape, of perceptrons or of convolutions."""

from typing import NamedTuple

from torch import nn

from genbench.core import Space
from genbench.nn.mlp import mlp
from genbench.nn.residual import Residual
from genbench.nn.towers import built, down_tower, features, up_tower


class Coders(NamedTuple):
    """encoder: (n, *shape) in [−1, 1] -> (n, latent).  decoder: (n, latent) -> (n, *shape), logits of the values."""

    encoder: nn.Module
    decoder: nn.Module


def perceptrons(space: Space, latent: int, widths: tuple[int, ...], width: int, dropout: float) -> Coders:
    """f and g of hidden layers of `widths` units, g's in reverse."""
    d = space.dimensions
    down = mlp([d, *widths, latent], nn.SiLU, dropout=dropout)
    up = mlp([latent, *reversed(widths), d], nn.SiLU, dropout=dropout)
    return Coders(nn.Sequential(nn.Flatten(), down), nn.Sequential(up, nn.Unflatten(1, space.shape)))


def convolutions(space: Space, latent: int, widths: tuple[int, ...], width: int, dropout: float) -> Coders:
    """DCGAN's towers (arXiv:1511.06434) without batch norm, with dropout at the narrow end; for images."""
    if space.kind != "image":
        raise ValueError(f"got {space.kind} of shape {space.shape}: convolutions are for images")
    channels, *sides = space.shape
    down, up = built(
        down_tower(channels, sides, width, norm=False, activation=nn.SiLU),
        up_tower(latent, sides, width, norm=False, activation=nn.SiLU),
    )
    maps, height, side = features(sides, width)
    narrow = [nn.Flatten(), nn.Dropout(dropout), nn.Linear(maps * height * side, latent)]
    return Coders(nn.Sequential(*down, *narrow), nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1)))


def block(maps: int) -> Residual:
    """ReLU, 3×3 convolution, ReLU, 1×1 convolution (paper, section 4.1)."""
    first = nn.Sequential(nn.ReLU(), nn.Conv2d(maps, maps, 3, padding=1))
    return Residual(first, nn.Sequential(nn.ReLU(), nn.Conv2d(maps, maps, 1)))


def grid_coders(
    shape: tuple[int, ...], dimensions: int, outputs: int, *, width: int, blocks: int, dropout: float
) -> Coders:
    """Images to a vector at each of the few places that halving leaves, and back (VQ-VAE, arXiv:1711.00937).

    encoder: (n, c, h, w) in [−1, 1] -> (n, dimensions, h', w').  decoder: the way back, with `outputs` numbers for each
    value, (n, c · outputs, h, w).
    """
    channels, *sides = shape
    maps = features(sides, width)[0]
    (down,) = built(down_tower(channels, sides, width, norm=False, activation=nn.ReLU))
    encoder = nn.Sequential(*down, *(block(maps) for _ in range(blocks)), nn.Conv2d(maps, dimensions, 1))
    up: list[nn.Module] = [nn.Conv2d(dimensions, maps, 3, padding=1), *(block(maps) for _ in range(blocks))]
    while maps > width:
        up += [nn.ReLU(), nn.ConvTranspose2d(maps, maps // 2, 4, 2, 1)]
        maps //= 2
    last = nn.Conv2d(width, channels * outputs, 3, padding=1)
    return Coders(encoder, nn.Sequential(nn.Dropout2d(dropout), *up, nn.ReLU(), last))
