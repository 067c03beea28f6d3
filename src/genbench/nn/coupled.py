"""Pairs of networks that have layers in common (Liu & Tuzel, 2016, arXiv:1606.07536, section 3)."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from genbench.nn.mlp import Maxout
from genbench.nn.towers import Stage, down_tower, features, up_tower

Shape = tuple[int, ...]
Towers = tuple[list[Stage], list[Stage]]  # of a generator and of its discriminator


def _joined(stages: Iterable[Stage]) -> nn.Sequential:
    return nn.Sequential(*chain.from_iterable(stages))


class SharedStart(nn.Module):
    """Two towers with the first `shared` stages of one: one input, an output for each."""

    def __init__(self, towers: tuple[list[Stage], list[Stage]], shared: int) -> None:
        super().__init__()
        self.common = _joined(towers[0][:shared])
        self.own: Any = nn.ModuleList(_joined(tower[shared:]) for tower in towers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.common(x)
        return self.own[0](h), self.own[1](h)


class SharedEnd(nn.Module):
    """Two towers with the last `shared` stages of one: as many inputs of one domain as of the other."""

    def __init__(self, towers: tuple[list[Stage], list[Stage]], shared: int) -> None:
        super().__init__()
        first = len(towers[0]) - shared
        self.own: Any = nn.ModuleList(_joined(tower[:first]) for tower in towers)
        self.common = _joined(towers[0][first:])

    def forward(self, one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        score, of_other = self.common(torch.cat([self.own[0](one), self.own[1](other)])).chunk(2)
        return score, of_other


def perceptrons(shape: Shape, latent: int, width: int, maps: int, dropout: float, kernel: int) -> Towers:
    """Rectifiers, then feature maps of which a convolution makes the image; maxout units in the discriminator.

    The convolution is what a domain has of its own: one place of the maps is seen at one place of both images.  Beyond
    their borders the maps go on as they end, so that one convolution fits all places.  Maps that are the image, with a
    kernel of 1, have bounds on both sides as it has: they are flat where it is.
    """
    channels, *sides = shape
    d, units = torch.Size(shape).numel(), width // 2
    unfold = nn.Linear(width, maps * sides[0] * sides[1], bias=False)
    end = nn.Hardtanh() if kernel == 1 else nn.ReLU()
    up: list[Stage] = [
        [nn.Linear(latent, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()],
        [nn.Linear(width, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()],
        [unfold, nn.Unflatten(1, (maps, *sides)), nn.BatchNorm2d(maps), end],
        [nn.Conv2d(maps, channels, kernel, padding=kernel // 2, padding_mode="replicate")],
    ]
    down: list[Stage] = [
        [nn.Flatten(), nn.Dropout(dropout / 2.5), Maxout(d, units, 3)],
        [nn.Dropout(dropout), Maxout(units, units, 3)],
        [nn.Dropout(dropout), nn.Linear(units, 1)],
    ]
    return up, down


def convolutions(shape: Shape, latent: int, width: int, maps: int, dropout: float, kernel: int) -> Towers:
    """`width` feature maps at full sides; batch norm in the generator alone, as the two domains differ."""
    channels, *sides = shape
    maps, height, side = features(sides, width)
    last = nn.Conv2d(width, channels, kernel, padding=kernel // 2)
    up: list[Stage] = [*up_tower(latent, sides, width), [last]]
    down = list(down_tower(channels, sides, width, norm=False, dropout=dropout))
    return up, [*down, [nn.Flatten(), nn.Dropout(dropout), nn.Linear(maps * height * side, 1)]]


NETWORKS = {"convolutions": convolutions, "perceptrons": perceptrons}
