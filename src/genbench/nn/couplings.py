"""Paths for flow matching: which noise goes to which data of a batch, and the times at which paths are looked at."""

from collections.abc import Callable

import torch
from torch import Tensor

BLOCK = 128


def independent(noise: Tensor, data: Tensor) -> Tensor:
    """Noise (n, D), data (n, D) -> the noise, as it was drawn."""
    return noise


def optimal_transport(noise: Tensor, data: Tensor) -> Tensor:
    """The noise in the order in which Σ_i ‖noise_i − data_i‖² is least (Tong et al., 2024, arXiv:2302.00482).

    Within blocks of at most BLOCK: the time of an assignment grows with its cube.
    """
    from scipy.optimize import linear_sum_assignment

    found = []
    for some, theirs in zip(noise.split(BLOCK), data.split(BLOCK), strict=True):
        _, chosen = linear_sum_assignment(torch.cdist(theirs, some).square().cpu().numpy())
        found.append(some[torch.from_numpy(chosen).to(noise.device)])
    return torch.cat(found)


COUPLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "independent": independent,
    "optimal_transport": optimal_transport,
}


def uniform(spread: float, like: Tensor) -> Tensor:
    """Times in (0, 1), of the shape of `like`."""
    return torch.rand_like(like)


def logit_normal(spread: float, like: Tensor) -> Tensor:
    """σ(s z), z ~ N(0, 1): more of the middle, where noise and data are hard to tell (Esser et al., 2024, eq. 19,
    arXiv:2403.03206)."""
    return (spread * torch.randn_like(like)).sigmoid()


TIMES: dict[str, Callable[[float, Tensor], Tensor]] = {"uniform": uniform, "logit_normal": logit_normal}
