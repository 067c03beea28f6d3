"""The Wasserstein-1 distance on the line, against which a critic's estimate of it can be held."""

import torch
from torch import Tensor


def wasserstein_1(x: Tensor, y: Tensor) -> Tensor:
    """min over pairings of the mean distance |x_i − y_π(i)| of (n,) and (n,) values: that of both in order."""
    return (x.sort().values - y.sort().values).abs().mean()


def spearman(x: Tensor, y: Tensor) -> Tensor:
    """The correlation of the ranks of (n,) and (n,) values, all different (Spearman, 1904)."""
    ranks = torch.stack([values.argsort().argsort().double() for values in (x, y)])
    return torch.corrcoef(ranks)[0, 1]
