"""Masked autoregressive flow (Papamakarios et al., 2017), arXiv:1705.07057.  x_i = u_i exp(α_i(x_<i)) + μ_i(x_<i).

log p(x) = log p(u) − Σ_i α_i.  The codes u of all values come from x in one pass; a sample takes a step for each value.
"""

from typing import ClassVar

from torch import nn

from genbench.core import Space
from genbench.nn.bases import MaskedMixtures, StandardNormal
from genbench.nn.masked import autoregressive_maps
from genbench.nn.normalizing_flow import NormalizingFlow


class MAF(NormalizingFlow):
    """Masked networks as in MADE; every second map takes the values in the opposite order.

    blocks: number of maps.  hidden, layers: of the network of each.  components: with 1 codes are N(0, I), with more
    they are a MADE of mixtures of so many Gaussians (MAF MoG, section 4).  dropout acts on hidden units.  alpha: images
    go through logit(α + (1 − 2α) x).  importance: draws of the dequantisation noise that `log_prob` averages.

    In the plane a map with N(0, I) is a coupling of RealNVP's; what MAF gains there it gains by its mixtures.
    """

    tiny: ClassVar = {"blocks": 4, "hidden": 24, "importance": 400}

    def __init__(
        self,
        space: Space,
        *,
        blocks: int = 5,
        hidden: int = 256,
        layers: int = 2,
        components: int = 1,
        dropout: float = 0.0,
        alpha: float = 0.05,
        importance: int = 20,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space, alpha=alpha, importance=importance, lr=lr, weight_decay=weight_decay)
        d = space.dimensions
        self.maps = nn.ModuleList(autoregressive_maps(d, blocks, hidden, layers, dropout))
        mixed = components > 1
        self.base = MaskedMixtures(d, components, hidden, layers, dropout) if mixed else StandardNormal(d)
