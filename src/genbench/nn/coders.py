"""Encoders and decoders of one shape, of perceptrons or of convolutions."""

from typing import NamedTuple

from torch import Tensor, nn

from genbench.core import Space
from genbench.nn.mlp import mlp
from genbench.nn.residual import Residual
from genbench.nn.towers import built, check_images, down_tower, features, up_tower


class Coders(NamedTuple):
    """encoder: (n, *shape) in [−1, 1] -> (n, codes).  decoder: (n, latent) -> logits of the values.

    There are `latent` codes, or with `statistics` so many numbers for each.  The logits are (n, *shape), or with
    `channels` so many for each value, (n, *shape, channels).
    """

    encoder: nn.Module
    decoder: nn.Module


class ChannelsLast(nn.Module):
    """(n, c · k, h, w) -> (n, c, h, w, k)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (-1, self.channels)).movedim(2, -1)


def perceptrons(
    space: Space,
    latent: int,
    widths: tuple[int, ...],
    width: int,
    dropout: float,
    *,
    statistics: int = 1,
    channels: int | None = None,
) -> Coders:
    """f and g of hidden layers of `widths` units, g's in reverse."""
    d = space.dimensions
    down = mlp([d, *widths, statistics * latent], nn.SiLU, dropout=dropout)
    up = mlp([latent, *reversed(widths), d * (channels or 1)], nn.SiLU, dropout=dropout)
    shape = (*space.shape, channels) if channels else space.shape
    return Coders(nn.Sequential(nn.Flatten(), down), nn.Sequential(up, nn.Unflatten(1, shape)))


def convolutions(
    space: Space,
    latent: int,
    widths: tuple[int, ...],
    width: int,
    dropout: float,
    *,
    statistics: int = 1,
    channels: int | None = None,
) -> Coders:
    """DCGAN's towers (arXiv:1511.06434) without batch norm, with dropout at the narrow end; for images."""
    check_images(space, "convolutions are for images")
    own, *sides = space.shape
    down, up = built(
        down_tower(own, sides, width, norm=False, activation=nn.SiLU),
        up_tower(latent, sides, width, norm=False, activation=nn.SiLU),
    )
    maps, height, side = features(sides, width)
    narrow = [nn.Flatten(), nn.Dropout(dropout), nn.Linear(maps * height * side, statistics * latent)]
    last: list[nn.Module] = [nn.Conv2d(width, own * (channels or 1), 3, padding=1)]
    if channels:
        last.append(ChannelsLast(channels))
    return Coders(nn.Sequential(*down, *narrow), nn.Sequential(*up, *last))


def block(maps: int) -> Residual:
    """ReLU, 3×3 convolution, ReLU, 1×1 convolution (paper, section 4.1)."""
    first = nn.Sequential(nn.ReLU(), nn.Conv2d(maps, maps, 3, padding=1))
    return Residual(first, nn.Sequential(nn.ReLU(), nn.Conv2d(maps, maps, 1)))


def grid_coders(
    shape: tuple[int, ...], dimensions: int, values: int, *, width: int, blocks: int, dropout: float
) -> Coders:
    """Images to a vector at each of the few places that halving leaves, and back (VQ-VAE, arXiv:1711.00937).

    encoder: (n, c, h, w) in [−1, 1] -> (n, dimensions, h', w').  decoder: the way back, with so many numbers for each
    value, (n, c, h, w, values).
    """
    channels, *sides = shape
    maps = features(sides, width)[0]
    (down,) = built(down_tower(channels, sides, width, norm=False, activation=nn.ReLU))
    encoder = nn.Sequential(*down, *(block(maps) for _ in range(blocks)), nn.Conv2d(maps, dimensions, 1))
    up: list[nn.Module] = [nn.Conv2d(dimensions, maps, 3, padding=1), *(block(maps) for _ in range(blocks))]
    while maps > width:
        up += [nn.ReLU(), nn.ConvTranspose2d(maps, maps // 2, 4, 2, 1)]
        maps //= 2
    last = (nn.Conv2d(width, channels * values, 3, padding=1), ChannelsLast(values))
    return Coders(encoder, nn.Sequential(nn.Dropout2d(dropout), *up, nn.ReLU(), *last))
