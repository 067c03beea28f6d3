"""Networks of adversarial games: a generator of (n, *shape), before tanh, and a critic of it, (n, *shape) -> (n, 1)."""

from typing import NamedTuple

from torch import Tensor, nn

from genbench.core import Space
from genbench.nn.mlp import mlp
from genbench.nn.residual import Residual
from genbench.nn.towers import built, down_tower, features, up_tower

Pair = tuple[nn.Sequential, nn.Sequential]


class Sizes(NamedTuple):
    """latent: dimensions of z.  width: feature maps at full resolution.  hidden, layers: of perceptrons.

    dropout: in the critic, for small data sets.
    """

    latent: int
    width: int
    hidden: int
    layers: int
    dropout: float = 0.0


def perceptrons(space: Space, sizes: Sizes, *, bias: bool, norm: bool = False) -> Pair:
    """`layers` hidden layers each, for elements of any shape (official code of WGAN-GP, gan_toy.py).

    bias: of the critic's last layer.  norm: batch norm in the critic, which these do without.
    """
    d, units = space.dimensions, [sizes.hidden] * sizes.layers
    generator = nn.Sequential(*mlp([sizes.latent, *units, d]), nn.Unflatten(1, space.shape))
    critic = mlp([d, *units, 1], dropout=sizes.dropout, bias=bias)
    return generator, nn.Sequential(nn.Flatten(), *critic)


def convolutions(space: Space, sizes: Sizes, *, bias: bool, norm: bool = False) -> Pair:
    """The towers of DCGAN (arXiv:1511.06434).  bias: of the critic's last layer.  norm: batch norm in the critic."""
    channels, *sides = space.shape
    latent, width, dropout = sizes.latent, sizes.width, sizes.dropout
    maps, height, side = features(sides, width)
    up, down = built(
        up_tower(latent, sides, width), down_tower(channels, sides, width, norm=norm, dropout=dropout)
    )
    generator = nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))
    last = [*dropped(dropout), nn.Linear(maps * height * side, 1, bias=bias)]
    return generator, nn.Sequential(*down, nn.Flatten(), *last)


def residual(space: Space, sizes: Sizes, *, bias: bool, norm: bool = False) -> Pair:
    """Residual blocks that double and halve the sides (Miyato et al., 2018, arXiv:1802.05957, appendix B.4)."""
    channels, *sides = space.shape
    width = sizes.width
    top, height, side = features(sides, width)
    up: list[nn.Module] = [nn.Linear(sizes.latent, top * height * side), nn.Unflatten(1, (top, height, side))]
    down: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1)]
    maps = top
    while maps > width:
        up.append(rising(maps, maps // 2))
        maps //= 2
    while maps < top:
        down.append(falling(maps, 2 * maps, norm=norm, dropout=sizes.dropout))
        maps *= 2
    down.append(flat(top, norm=norm, dropout=sizes.dropout))
    end = [nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, channels, 3, padding=1)]
    return nn.Sequential(*up, *end), nn.Sequential(*down, nn.ReLU(), Total(), nn.Linear(top, 1, bias=bias))


def rising(inputs: int, outputs: int) -> Residual:
    """(n, c, h, w) -> (n, c', 2h, 2w), in a generator."""
    enlarge = nn.Upsample(scale_factor=2)
    first = [nn.BatchNorm2d(inputs), nn.ReLU(), enlarge, nn.Conv2d(inputs, outputs, 3, padding=1)]
    second = [nn.BatchNorm2d(outputs), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1)]
    # A 1 × 1 convolution and copies, or means, of pixels can change places: on the smaller side it costs a quarter.
    skip = nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.Upsample(scale_factor=2))
    return Residual(nn.Sequential(*first), nn.Sequential(*second), skip=skip)


def falling(inputs: int, outputs: int, *, norm: bool, dropout: float) -> Residual:
    """(n, c, h, w) -> (n, c', h/2, w/2), in a critic."""
    first, second = layer(inputs, inputs, norm, dropout), layer(inputs, outputs, norm, dropout)
    skip = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1))
    return Residual(nn.Sequential(*first), nn.Sequential(*second, nn.AvgPool2d(2)), skip=skip)


def flat(maps: int, *, norm: bool, dropout: float) -> Residual:
    """(n, c, h, w) -> the same shape, in a critic."""
    first, second = layer(maps, maps, norm, dropout), layer(maps, maps, norm, dropout)
    return Residual(nn.Sequential(*first), nn.Sequential(*second))


def layer(inputs: int, outputs: int, norm: bool, dropout: float) -> list[nn.Module]:
    normed = [nn.BatchNorm2d(inputs)] if norm else []
    return [*normed, nn.ReLU(), *dropped(dropout), nn.Conv2d(inputs, outputs, 3, padding=1)]


def dropped(share: float) -> list[nn.Module]:
    """Dropout, where there is any."""
    return [nn.Dropout(share)] if share else []


class Total(nn.Module):
    """The sum over all places: (n, c, h, w) -> (n, c)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3))


NETWORKS = {"perceptrons": perceptrons, "dcgan": convolutions, "residual": residual}
