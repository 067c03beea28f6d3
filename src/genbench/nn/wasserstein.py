"""Pieces of the Wasserstein game (arXiv:1701.07875) with a penalised critic (arXiv:1704.00028)."""

from collections.abc import Callable

import torch
from torch import Tensor


def steepness(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """E[(‖∇f(x̂)‖₂ − 1)²], two-sided, x̂ uniform on the line between x and G(z) (Gulrajani et al., 2017, eq. 3).

    critic: (n, *shape) -> (n,) values of f.
    """
    place = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
    between = (place * real + (1 - place) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()
