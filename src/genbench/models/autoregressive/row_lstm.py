"""PixelRNN by Row LSTM (van den Oord et al., 2016), arXiv:1601.06759.  log p(x) = Σ_i log p(x_i | x_<i).

A memory runs over the rows of the image from top to bottom, all places of a row at once, by convolutions along the
row: h_r = LSTM(K_ss ∗ h_{r−1} + K_is ∗ x_r).  K_ss is three wide, so what a pixel sees is a triangle above it.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from genbench.core import Space
from genbench.nn.pixel_rnn import PixelRNN
from genbench.nn.recurrent import RowLayer


class RowLSTM(PixelRNN):
    """One channel; Bernoulli outputs for two levels, L-way outputs for more.

    units: memory cells at a place.  row_kernel: width of the convolutions along a row.
    """

    tiny: ClassVar = {"units": 4, "layers": 2, "kernel": 3}

    def __init__(
        self,
        space: Space,
        *,
        units: int = 16,
        layers: int = 12,
        kernel: int = 7,
        row_kernel: int = 3,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        if row_kernel % 2 == 0:
            raise ValueError(f"row_kernel: got {row_kernel}; expected an odd number")
        super().__init__(
            space,
            partial(RowLayer, kernel=row_kernel),
            units=units,
            layers=layers,
            kernel=kernel,
            margin=0,
            dropout=dropout,
            input_dropout=input_dropout,
            lr=lr,
            weight_decay=weight_decay,
        )
        self.row_reach = row_kernel // 2

    def field(self) -> Tensor:
        """A triangle: k rows up from −m − (L + k)s to max(ks − 1, (k − 1)s + m) columns away, for k = 0 to −1.

        s is the reach of a step from row to row, m that of the first convolution, L the number of layers, each of which
        reads s inputs to the left.  The larger end is where the first convolution goes one of the rows up.
        """
        height, width = self.space.shape[1:]
        first, step = self.reach, self.row_reach
        place = torch.arange(height * width)
        row, column = place // width, place % width
        up = row[:, None] - row[None, :]
        across = column[None, :] - column[:, None]  # > 0: to the right
        leftmost = -first - (len(self.layers) + up) * step
        rightmost = torch.maximum(up * step - 1, torch.where(up > 0, (up - 1) * step + first, -1))
        return (up >= 0) & (across >= leftmost) & (across <= rightmost)
