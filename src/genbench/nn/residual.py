"""Residual blocks (He et al., 2016, arXiv:1512.03385)."""

from typing import Any

from torch import Tensor, nn


class Residual(nn.Module):
    """skip(x) + second(first(x)); a condition, projected to the feature maps, is added between the two layers.

    skip: the identity, unless the two layers change the number of feature maps.
    """

    def __init__(
        self,
        first: nn.Module,
        second: nn.Module,
        *,
        condition: nn.Module | None = None,
        skip: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.first, self.condition, self.second = first, condition, second
        self.skip = nn.Identity() if skip is None else skip

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """(n, c, …) -> (n, c', …); condition: (n, k)."""
        h = self.first(x)
        if self.condition is not None:
            h = h + self.condition(condition)[(...,) + (None,) * (h.ndim - 2)]
        return self.skip(x) + self.second(h)


def conditioned(
    layer: Any, norm: Any, inputs: int, outputs: int, *, condition: int, dropout: float
) -> Residual:
    """The block of DDPM (arXiv:2006.11239): norm, SiLU and a layer, twice, a condition of that width between them.

    layer, norm: make one from its widths, nn.Linear and nn.LayerNorm, or convolutions and a norm of maps.
    """
    first = nn.Sequential(norm(inputs), nn.SiLU(), layer(inputs, outputs))
    projection = nn.Linear(condition, outputs)
    second = nn.Sequential(norm(outputs), nn.SiLU(), nn.Dropout(dropout), layer(outputs, outputs))
    skip = None if inputs == outputs else layer(inputs, outputs)
    return Residual(first, second, condition=projection, skip=skip)
