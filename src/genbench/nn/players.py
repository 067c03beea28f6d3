"""A generator with batch norm and a discriminator's features without, for points and for images.

Batch norm in the discriminator would let an element's score depend on the others of its batch.
"""

from torch import nn

from genbench.core import Space
from genbench.nn.init import normal_weights
from genbench.nn.towers import RECTIFIER, built, down_tower, features, up_tower

Players = tuple[nn.Sequential, nn.Sequential, int]


def perceptrons(space: Space, latent: int, hidden: int, dropout: float) -> Players:
    """Two hidden layers each; elements of any shape.

    Generator (n, latent) -> (n, *shape), before its tanh; features of the discriminator (n, *shape) -> (n, k); and k.
    """
    d = space.dimensions
    layers: list[nn.Module] = []
    for inputs in (latent, hidden):
        layers += [nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()]
    trunk: list[nn.Module] = [nn.Flatten()]
    for inputs in (d, hidden):
        trunk += [nn.Linear(inputs, hidden), RECTIFIER(), nn.Dropout(dropout)]
    generator = nn.Sequential(*layers, nn.Linear(hidden, d), nn.Unflatten(1, space.shape))
    return generator, nn.Sequential(*trunk), hidden


def convolutions(space: Space, latent: int, width: int, dropout: float) -> Players:
    """The same for images, towers after DCGAN (arXiv:1511.06434), whose weights start as there."""
    channels, *sides = space.shape
    maps, height, side = features(sides, width)
    down = down_tower(channels, sides, width, norm=False, dropout=dropout)
    up, trunk = built(up_tower(latent, sides, width), down)
    generator = nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))
    both = (generator, nn.Sequential(*trunk, nn.Flatten(), nn.Dropout(dropout)))
    for network in both:
        network.apply(normal_weights)
    return *both, maps * height * side
