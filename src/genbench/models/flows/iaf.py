"""Inverse autoregressive flow (Kingma et al., 2016), arXiv:1606.04934.  x_i = z_i σ_i(z_<i) + μ_i(z_<i).

MAF's map taken the other way: the codes, not the data, are what each value is conditioned on.  A sample takes one pass,
log p(x) = log N(z; 0, I) − Σ_i log σ_i needs the codes, which D passes find one after another.
"""

from typing import ClassVar

from torch import Tensor, nn

from genbench.core import Space
from genbench.nn.masked import MaskedAffine
from genbench.nn.normalizing_flow import NormalizingFlow


class Inverted(nn.Module):
    """A map and its inverse with their places exchanged."""

    def __init__(self, inner: MaskedAffine) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.inner.inverse(x)

    def inverse(self, z: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = self.inner(z)
        return found


class IAF(NormalizingFlow):
    """Trained by maximum likelihood, at a cost of D passes a step: for data of few values.

    blocks: number of maps, every second of which takes the values in the opposite order.  hidden, layers: of the
    masked network of each.  importance: draws of the dequantisation noise that `log_prob` averages, for data with
    levels.
    """

    tiny: ClassVar = {"blocks": 2, "hidden": 24, "importance": 400}

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
            Inverted(MaskedAffine(space.dimensions, hidden, layers, backwards=i % 2 == 1))
            for i in range(blocks)
        )
