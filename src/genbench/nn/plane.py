"""The unit square in cells, for sums over a density of the plane."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

AT_ONCE = 2**14  # cells


def cells(side: int, device: torch.device) -> tuple[Tensor, ...]:
    """The middles of side × side cells of [0, 1]², in parts of (up to AT_ONCE, 2)."""
    middles = (torch.arange(side, device=device) + 0.5) / side
    return torch.cartesian_prod(middles, middles).split(AT_ONCE)


def log_integral(log_f: Callable[[Tensor], Tensor], side: int, device: torch.device) -> Tensor:
    """log ∫ f over [0, 1]² by the midpoint rule on side × side cells; log_f: (n, 2) -> (n,).  Float64, ()."""
    values = torch.cat([log_f(part) for part in cells(side, device)]).double()
    return values.logsumexp(0) - 2 * math.log(side)
