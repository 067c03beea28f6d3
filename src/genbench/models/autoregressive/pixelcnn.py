"""PixelCNN (van den Oord et al., 2016), arXiv:1601.06759.  log p(x) = Σ_i log p(x_i | x_<i) by masked convolutions."""

from functools import partial

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.discrete import Levels
from genbench.nn.schedules import cosine


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees the pixels above and to the left; its own pixel too where `own` is true (mask B)."""

    mask: Tensor

    def __init__(self, inputs: int, outputs: int, size: int, *, own: bool) -> None:
        super().__init__(inputs, outputs, size, padding=size // 2)
        mask = torch.ones(size, size)
        mask[size // 2, size // 2 + own :] = 0
        mask[size // 2 + 1 :] = 0
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight * self.mask, self.bias)


class ResidualBlock(nn.Module):
    """2h -> h -> h -> 2h, the middle one masked (paper, figure 5)."""

    def __init__(self, width: int, size: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, width // 2, 1),
            nn.ReLU(),
            MaskedConv2d(width // 2, width // 2, size, own=True),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(width // 2, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class PixelCNN(GenerativeModel):
    """Mask A 7×7, then residual blocks with mask B 3×3; Bernoulli outputs for two levels, L-way for more.

    width: feature maps (2h in the paper).  blocks: residual blocks.  Grey images only: channels are not ordered.
    """

    exact = True

    def __init__(
        self,
        space: Space,
        *,
        width: int = 128,
        blocks: int = 7,
        kernel: int = 3,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space)
        if space.shape[0] != 1:
            raise ValueError(
                f"shape={space.shape}: PixelCNN orders the pixels of one channel; expected 1 channel"
            )
        self.levels = Levels(space)
        self.lr, self.weight_decay = lr, weight_decay
        self.input_dropout = nn.Dropout(input_dropout)
        self.first = MaskedConv2d(1, width, 7, own=False)
        self.place = nn.Parameter(torch.zeros(width, *space.shape[1:]))
        self.net = nn.Sequential(
            *[ResidualBlock(width, kernel, dropout) for _ in range(blocks)],
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(width, self.levels.channels, 1),
        )

    def logits(self, x: Tensor) -> Tensor:
        """(n, 1, h, w) in [0, 1] -> (n, h, w, channels)."""
        place = self.place[:, : x.shape[2]]  # all rows, or the first ones while sampling
        return self.net(self.first(self.input_dropout(2 * x - 1)) + place).movedim(1, -1)

    def log_prob(self, x: Tensor) -> Tensor:
        return self.levels.log_prob(self.logits(x), x[:, 0]).flatten(1).sum(1)

    def loss(self, batch: Batch) -> Tensor:
        return -self.log_prob(batch.x).mean()

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        return [Phase("likelihood", (Objective("nll", list(self.parameters()), self.loss, adam, clip=1.0, schedule=cosine),))]

    def sample(self, n: int, condition: Tensor | None = None, *, generator: Generator) -> Tensor:
        blank = torch.zeros(n, *self.space.shape, device=generator.device)
        return self.complete(blank, torch.zeros_like(blank, dtype=torch.bool), generator=generator)

    def complete(self, x: Tensor, mask: Tensor, *, generator: Generator) -> Tensor:
        """Exact for what follows the last kept pixel; earlier hidden pixels see only those before them."""
        keep = mask.expand_as(x)
        x = x * keep
        for row in range(x.shape[2]):
            for column in range(x.shape[3]):
                # No pixel depends on a later row: the rows below need not be computed.
                logits = self.logits(x[:, :, : row + 1])[:, row, column]
                drawn = self.levels.sample(logits, generator)
                x[:, 0, row, column] = torch.where(keep[:, 0, row, column], x[:, 0, row, column], drawn)
        return x
