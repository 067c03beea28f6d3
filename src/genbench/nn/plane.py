"""The unit square in cells, for sums over a density of the plane."""

import torch
from torch import Tensor

AT_ONCE = 2**14  # cells


def cells(side: int, device: torch.device) -> tuple[Tensor, ...]:
    """The middles of side × side cells of [0, 1]², in parts of (up to AT_ONCE, 2)."""
    middles = (torch.arange(side, device=device) + 0.5) / side
    return torch.cartesian_prod(middles, middles).split(AT_ONCE)
