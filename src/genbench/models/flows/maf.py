"""Masked autoregressive flow (Papamakarios et al., 2017), arXiv:1705.07057.  x_i = u_i exp(α_i(x_<i)) + μ_i(x_<i).

log p(x) = log N(u; 0, I) − Σ_i α_i.  The codes of all values come from x in one pass, a sample takes D passes.
"""

from typing import ClassVar

from torch import nn

from genbench.core import Space
from genbench.nn.masked import MaskedAffine
from genbench.nn.normalizing_flow import NormalizingFlow


class MAF(NormalizingFlow):
    """Masked networks as in MADE; every second map takes the values in the opposite order.

    blocks: number of maps.  hidden, layers: of the network of each.  importance: draws of the dequantisation noise that
    `log_prob` averages, for data with levels.
    """

    tiny: ClassVar = {"blocks": 4, "hidden": 24, "importance": 400}

    def __init__(
        self,
        space: Space,
        *,
        blocks: int = 5,
        hidden: int = 256,
        layers: int = 2,
        importance: int = 20,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space, importance=importance, lr=lr, weight_decay=weight_decay)
        self.maps = nn.ModuleList(
            MaskedAffine(space.dimensions, hidden, layers, backwards=i % 2 == 1) for i in range(blocks)
        )
