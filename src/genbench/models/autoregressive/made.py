"""MADE (Germain et al., 2015), arXiv:1502.03509.  log p(x) = Σ_d log p(x_d | x_<d), in one masked pass."""

from bisect import bisect_left, bisect_right
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor, nn

from genbench.core import Space, constant
from genbench.nn.autoregressive import Autoregressive
from genbench.nn.masked import MaskedLinear, masked_he_weights
from genbench.nn.schedules import cosine

SCHEDULES = {"constant": constant, "cosine": cosine}


class Gated(nn.Module):
    """Gated linear units (Dauphin et al., 2017, arXiv:1612.08083): (n, 2 h), pairs of value and gate -> (n, h)."""

    def forward(self, x: Tensor) -> Tensor:
        value, gate = x.unflatten(1, (-1, 2)).unbind(2)
        return value * gate.sigmoid()


# With each, how many weighted sums a hidden unit is made of.
ACTIVATIONS = {"relu": (nn.ReLU, 1), "gated": (Gated, 2)}


class MADE(Autoregressive):
    """Pixels in raster order, one mask; Bernoulli outputs for two levels, L-way outputs for more.

    hidden, layers: width and number of hidden layers.  activation: "relu", the paper's, or "gated", with which a hidden
    unit has a second set of weights, for its gate.  dropout acts on hidden units.  schedule: of the learning rate,
    "constant" or "cosine".
    """

    weakness = (
        "An image is a list of values to it: which are neighbours it has to learn from the data, one by one."
    )
    tiny: ClassVar = {"hidden": 24}

    def __init__(
        self,
        space: Space,
        *,
        hidden: int = 500,
        layers: int = 1,
        activation: Literal["relu", "gated"] = "relu",
        dropout: float = 0.0,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        schedule: Literal["constant", "cosine"] = "constant",
    ) -> None:
        super().__init__(space, lr=lr, weight_decay=weight_decay, schedule=SCHEDULES[schedule])
        d = space.dimensions
        degrees = torch.arange(1, d + 1)  # input d has degree d
        # Hidden degrees spread evenly over 1 … D−1; a hidden unit sees the inputs up to its degree.
        self.degrees = (torch.arange(hidden) * max(d - 1, 1) // hidden + 1).tolist()
        following = torch.tensor(self.degrees)
        unit, self.sums = ACTIVATIONS[activation]
        blocks: list[nn.Module] = []
        for _ in range(layers):
            mask = following[:, None] >= degrees[None, :]
            blocks += [MaskedLinear(mask.repeat_interleave(self.sums, 0)), unit(), nn.Dropout(dropout)]
            degrees = following
        self.hidden = nn.Sequential(*blocks)
        self.hidden.apply(masked_he_weights)
        outputs = torch.arange(1, d + 1).repeat_interleave(self.levels.channels)
        self.output = MaskedLinear(outputs[:, None] > degrees[None, :])  # strictly: x_d must not see itself
        # Direct connections from the input, strictly lower triangular (paper, section 4.2).
        self.direct = MaskedLinear(outputs[:, None] > torch.arange(1, d + 1)[None, :])

    def logits(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n, D, channels)."""
        x = x.flatten(1)
        out = self.output(self.hidden(x)) + self.direct(x)
        return out.unflatten(1, (self.space.dimensions, self.levels.channels))

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """A hidden unit is computed once, as soon as all that it sees is drawn: D pixels cost about one pass."""
        x, keep = self.shown(x, mask)
        layers = [layer for layer in self.hidden if isinstance(layer, MaskedLinear)]
        activation = self.hidden[1]  # the same in every layer
        units = [x, *(x.new_zeros(len(x), len(self.degrees)) for _ in layers)]  # inputs, then layer by layer
        for d in range(x.shape[1]):  # x_d given x_<d
            own = slice(d * self.levels.channels, (d + 1) * self.levels.channels)
            self.fill(x, keep, d, self.output.part(units[-1], own) + self.direct.part(x, own), rng)
            known = slice(bisect_left(self.degrees, d + 1), bisect_right(self.degrees, d + 1))
            sums = slice(known.start * self.sums, known.stop * self.sums)
            for layer, inputs, outputs in zip(layers, units, units[1:], strict=False):
                outputs[:, known] = activation(layer.part(inputs, sums))
        return x.unflatten(1, self.space.shape)
