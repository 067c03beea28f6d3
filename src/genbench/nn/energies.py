"""Networks of an element whose only output is its energy."""

from collections.abc import Callable

from torch import nn

from genbench.core import Space
from genbench.nn.mlp import mlp
from genbench.nn.towers import down_tower, features


def perceptrons(space: Space, width: int, layers: int) -> nn.Sequential:
    """`layers` hidden layers of `width` units, SiLU as the energy's gradient has to be smooth."""
    return nn.Sequential(nn.Flatten(), *mlp([space.dimensions, *[width] * layers, 1], nn.SiLU))


def convolutions(space: Space, width: int, layers: int) -> nn.Sequential:
    """Two more 3 × 3 convolutions at the narrow end for each of `layers`."""
    channels, *sides = space.shape
    maps, height, side = features(sides, width)
    tower = [
        layer
        for stage in down_tower(channels, sides, width, norm=False, activation=nn.SiLU)
        for layer in stage
    ]
    for _ in range(layers):
        tower += [nn.Conv2d(maps, maps, 3, padding=1), nn.SiLU()]
    return nn.Sequential(*tower, nn.Flatten(), nn.Linear(maps * height * side, 1))


NETWORKS: dict[str, Callable[..., nn.Sequential]] = {"perceptrons": perceptrons, "convolutions": convolutions}
