"""Layers that two or more models use."""

from torch import Tensor, nn


class Maxout(nn.Module):
    """The largest of `pieces` linear maps, unit by unit (Goodfellow et al., 2013, arXiv:1302.4389)."""

    def __init__(self, inputs: int, outputs: int, pieces: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs * pieces)
        self.outputs, self.pieces = outputs, pieces

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).unflatten(1, (self.outputs, self.pieces)).amax(2)
