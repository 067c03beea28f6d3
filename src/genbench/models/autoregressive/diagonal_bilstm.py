"""PixelRNN by Diagonal BiLSTM (van den Oord et al., 2016), arXiv:1601.06759.  log p(x) = Σ_i log p(x_i | x_<i).

Two memories run over the diagonals of the image, from the upper left and from the upper right; in each a state has seen
all of its side, above and beside it, so that a pixel sees every pixel before it, whatever the depth.
"""

from typing import ClassVar

from genbench.core import Space
from genbench.nn.pixel_rnn import PixelRNN
from genbench.nn.recurrent import DiagonalLayer


class DiagonalBiLSTM(PixelRNN):
    """One channel; Bernoulli outputs for two levels, L-way outputs for more.

    units: memory cells at a place in either direction.  The layers go over one more column, right of the image: from
    there the last pixel of a row is seen, and so by the whole next row.  In the paper's network only pixels within the
    first convolution's reach see it.
    """

    tiny: ClassVar = {"units": 4, "layers": 1, "kernel": 3}

    def __init__(
        self,
        space: Space,
        *,
        units: int = 16,
        layers: int = 7,
        kernel: int = 7,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            space,
            DiagonalLayer,
            units=units,
            layers=layers,
            kernel=kernel,
            margin=1,
            dropout=dropout,
            input_dropout=input_dropout,
            lr=lr,
            weight_decay=weight_decay,
        )
