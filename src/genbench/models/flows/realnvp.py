"""RealNVP (Dinh et al., 2017), arXiv:1605.08803.  log p(x) = log N(z; 0, I) + log |det ∂z/∂x|, z = f(x) invertible.

Affine couplings: the values of one half of the places move the other half, z_b = x_b · exp(s(x_a)) + t(x_a), so that
log |det| = Σ s.  With additive ones, s = 0, it is NICE (Dinh et al., 2015, arXiv:1410.8516).
"""

from typing import ClassVar

import torch
from torch import nn

from genbench.core import Space
from genbench.nn.bases import StandardNormal
from genbench.nn.flows import Coupling, DiagonalScaling, checkerboard
from genbench.nn.normalizing_flow import NormalizingFlow


class RealNVP(NormalizingFlow):
    """Couplings of fully connected networks on flattened data, then NICE's diagonal scaling.

    couplings: their number; checkerboards and halves take turns, each with its complement.  hidden, layers: of every
    coupling's network.  additive: NICE.  alpha: images go through logit(α + (1 − 2α) x).  importance: draws of the
    dequantisation noise that `log_prob` averages, the same ones at every call.

    Levels become continuous by uniform noise, and the outermost ones have all that is beyond the paper's logit.  Data
    without levels is continuous as it is, goes through logit(x), and `log_prob` is its exact density on [0, 1]^D.
    """

    tiny: ClassVar = {"couplings": 4, "hidden": 24, "importance": 400}

    def __init__(
        self,
        space: Space,
        *,
        couplings: int = 8,
        hidden: int = 256,
        layers: int = 2,
        additive: bool = False,
        alpha: float = 0.05,
        dropout: float = 0.0,
        importance: int = 20,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space, alpha=alpha, importance=importance, lr=lr, weight_decay=weight_decay)
        d = space.dimensions
        board, half = checkerboard(space.shape), torch.arange(d) < d // 2
        moves = [board, ~board, half, ~half]
        pairs = [Coupling(moves[i % 4], hidden, layers, dropout, additive=additive) for i in range(couplings)]
        self.maps, self.base = nn.ModuleList([*pairs, DiagonalScaling(d)]), StandardNormal(d)
