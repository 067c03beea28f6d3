"""PixelCNN (van den Oord et al., 2016), arXiv:1601.06759.  log p(x) = Σ_i log p(x_i | x_<i) by causal convolutions.

In the gated form of the same authors (arXiv:1606.05328), whose two stacks leave no blind spot: the vertical one sees
all rows above, the horizontal one the pixels to the left.
"""

from functools import partial

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.discrete import Levels
from genbench.nn.schedules import cosine


def gate(x: Tensor) -> Tensor:
    """tanh(a) ⊙ σ(b), (n, 2w, h, w) -> (n, w, h, w)."""
    a, b = x.chunk(2, dim=1)
    return a.tanh() * b.sigmoid()


class GatedBlock(nn.Module):
    """One layer of both stacks.  In the first layer the horizontal stack may not see its own pixel (mask A)."""

    def __init__(self, inputs: int, width: int, kernel: int, *, first: bool = False) -> None:
        super().__init__()
        self.reach, self.first = kernel // 2, first
        self.vertical = nn.Conv2d(inputs, 2 * width, (self.reach + 1, kernel))
        self.horizontal = nn.Conv2d(inputs, 2 * width, (1, self.reach + 1))
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.out = nn.Conv2d(width, width, 1)

    def forward(self, vertical: Tensor, horizontal: Tensor) -> tuple[Tensor, Tensor]:
        # Padding above and to the left alone makes the convolutions causal: row r sees rows ≤ r …
        rows = self.vertical(F.pad(vertical, (self.reach, self.reach, self.reach, 0)))
        above = F.pad(rows, (0, 0, 1, 0))[:, :, :-1]  # … and hands rows < r to the horizontal stack
        left = F.pad(horizontal, (self.reach + self.first, 0, 0, 0))
        left = left[..., : horizontal.shape[3] + self.reach]
        out = self.out(gate(self.horizontal(left) + self.link(above)))
        return gate(rows), out if self.first else out + horizontal


class PixelCNN(GenerativeModel):
    """A 7×7 layer, then gated blocks; Bernoulli outputs for two levels, L-way outputs for more.

    width: feature maps.  blocks, kernel: number and side of the layers after the first.  input_dropout hides a
    share of the context in training, which small data sets need.  A bias for each place tells positions apart in
    small, centred images.  Grey images only: channels are not ordered.
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
            raise ValueError(f"shape={space.shape}: PixelCNN orders the pixels of one channel; expected 1 channel")
        if kernel % 2 == 0:
            raise ValueError(f"kernel: got {kernel}; expected an odd number")
        self.levels = Levels(space)
        self.lr, self.weight_decay = lr, weight_decay
        self.input_dropout = nn.Dropout(input_dropout)
        self.first = GatedBlock(1, width, 7, first=True)
        self.place = nn.Parameter(torch.zeros(width, *space.shape[1:]))
        self.blocks = nn.ModuleList(GatedBlock(width, width, kernel) for _ in range(blocks))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(width, self.levels.channels, 1),
        )

    def logits(self, x: Tensor) -> Tensor:
        """(n, 1, h, w) in [0, 1] -> (n, h, w, channels)."""
        x = self.input_dropout(2 * x - 1)
        vertical, horizontal = self.first(x, x)
        horizontal = horizontal + self.place[:, : x.shape[2]]  # all rows, or the first ones while sampling
        for block in self.blocks:
            vertical, horizontal = block(self.dropout(vertical), self.dropout(horizontal))
        return self.head(horizontal).movedim(1, -1)

    def log_prob(self, x: Tensor) -> Tensor:
        return self.levels.log_prob(self.logits(x), x[:, 0]).flatten(1).sum(1)

    def loss(self, batch: Batch) -> Tensor:
        return -self.log_prob(batch.x).mean()

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        own = list(self.parameters())
        return [Phase("likelihood", (Objective("nll", own, self.loss, adam, clip=1.0, schedule=cosine),))]

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
