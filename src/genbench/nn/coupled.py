"""Pairs of networks that have layers in common (Liu & Tuzel, 2016, arXiv:1606.07536, section 3)."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from genbench.nn.towers import Stage


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
