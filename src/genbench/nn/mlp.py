"""Fully connected networks."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from genbench.core import Space
from genbench.nn.residual import conditioned


def hidden_layers(
    widths: Sequence[int], activation: type[nn.Module] = nn.ReLU, dropout: float = 0.0
) -> nn.Sequential:
    """Linear maps from each width to the next, an activation after each, and dropout where there is any."""
    modules: list[nn.Module] = []
    for a, b in pairwise(widths):
        modules += [nn.Linear(a, b), activation()]
        if dropout:
            modules.append(nn.Dropout(dropout))
    return nn.Sequential(*modules)


def mlp(
    widths: Sequence[int],
    activation: type[nn.Module] = nn.ReLU,
    *,
    dropout: float = 0.0,
    bias: bool = True,
) -> nn.Sequential:
    """(n, widths[0]) -> (n, widths[-1]): hidden layers, then a linear map; `bias`: whether that one has any."""
    return nn.Sequential(
        *hidden_layers(widths[:-1], activation, dropout), nn.Linear(widths[-2], widths[-1], bias=bias)
    )


class Maxout(nn.Module):
    """The largest of `pieces` linear maps, unit by unit (Goodfellow et al., 2013, arXiv:1302.4389)."""

    def __init__(self, inputs: int, outputs: int, pieces: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs * pieces)
        self.outputs, self.pieces = outputs, pieces

    def forward(self, x: Tensor) -> Tensor:
        # Piece after piece, not unit after unit: the largest over neighbours in memory takes twice as long.
        return self.linear(x).unflatten(1, (self.pieces, self.outputs)).amax(1)


class ResidualMLP(nn.Module):
    """Residual blocks, conditioned on a vector, on the flattened element, which may have any shape."""

    def __init__(self, space: Space, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.shape, d = space.shape, space.dimensions
        self.stem = nn.Linear(d, width)
        self.blocks = nn.ModuleList(
            conditioned(nn.Linear, nn.LayerNorm, width, width, condition=width, dropout=dropout)
            for _ in range(blocks)
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, d))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(n, *shape), (n, width) -> (n, *shape)."""
        h = self.stem(x.flatten(1))
        for block in self.blocks:
            h = block(h, condition)
        return self.head(h).unflatten(1, self.shape)
