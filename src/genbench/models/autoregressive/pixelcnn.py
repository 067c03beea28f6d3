"""PixelCNN (van den Oord et al., 2016), arXiv:1601.06759.  log p(x) = Σ_i log p(x_i | x_<i) by causal convolutions.

In the gated form of the same authors (arXiv:1606.05328), whose two stacks leave no blind spot: the vertical one sees
all rows above, the horizontal one the pixels to the left.
"""

from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Space
from genbench.nn.autoregressive import Autoregressive

TOGETHER = 1000  # images that are drawn side by side: 28×28 pixels and 16 feature maps take 2 GB


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

    def down(self, vertical: Tensor) -> tuple[Tensor, Tensor]:
        """The vertical stack, and what it tells the horizontal one of the rows above: (n, w, h, w'), (n, 2w, h, w')."""
        # Padding above and to both sides alone: row r sees rows ≤ r …
        rows = self.vertical(F.pad(vertical, (self.reach, self.reach, self.reach, 0)))
        above = F.pad(rows, (0, 0, 1, 0))[:, :, :-1]  # … and hands on rows < r
        return gate(rows), self.link(above)

    def across(self, horizontal: Tensor, above: Tensor) -> Tensor:
        """The horizontal stack: every row by itself, given what is above it."""
        left = F.pad(horizontal, (self.reach + self.first, 0, 0, 0))
        left = left[..., : horizontal.shape[3] + self.reach]
        out = self.out(gate(self.horizontal(left) + above))
        return out if self.first else out + horizontal


class PixelCNN(Autoregressive):
    """A 7×7 layer, then gated blocks; Bernoulli outputs for two levels, L-way outputs for more.

    width: feature maps.  blocks, kernel: number and side of the layers after the first.  input_dropout hides a
    share of the context in training, which small data sets need.  A bias for each place tells positions apart in
    small, centred images.  Grey images only: channels are not ordered.
    """

    tiny: ClassVar = {"width": 8, "blocks": 1}

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
        super().__init__(space, lr=lr, weight_decay=weight_decay, clip=1.0)
        if space.shape[0] != 1:
            raise ValueError(
                f"shape={space.shape}: PixelCNN orders the pixels of one channel; expected 1 channel"
            )
        if kernel % 2 == 0:
            raise ValueError(f"kernel: got {kernel}; expected an odd number")
        self.input_dropout = nn.Dropout(input_dropout)
        self.place = nn.Parameter(torch.zeros(width, *space.shape[1:]))
        self.layers: Any = nn.ModuleList(
            [GatedBlock(1, width, 7, first=True), *(GatedBlock(width, width, kernel) for _ in range(blocks))]
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Conv2d(width, self.levels.channels, 1),
        )

    def logits(self, x: Tensor) -> Tensor:
        """(n, 1, h, w) in [0, 1] -> (n, D, channels)."""
        x = self.input_dropout(self.space.signed(x))
        return self.rows(x, self.above(x), self.place).flatten(1, 2)

    def above(self, x: Tensor) -> list[Tensor]:
        """What each layer knows of the rows above: (n, 1, h, w) in [−1, 1] -> (n, 2·width, h, w) a layer."""
        known: list[Tensor] = []
        vertical = x
        for block in self.layers:
            vertical, above = block.down(self.dropout(vertical) if known else vertical)
            known.append(above)
        return known

    def rows(self, x: Tensor, above: list[Tensor], place: Tensor) -> Tensor:
        """Logits of some rows, given what is above them: (n, 1, r, w) in [−1, 1] -> (n, r, w, channels)."""
        horizontal = self.layers[0].across(x, above[0]) + place
        for block, known in zip(self.layers[1:], above[1:], strict=True):
            horizontal = block.across(self.dropout(horizontal), known)
        return self.head(horizontal).movedim(1, -1)

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """The rows above a pixel are gone through once, and of its own what lies within its reach."""
        x, keep = self.shown(x, mask)
        for part, kept in zip(x.split(TOGETHER), keep.split(TOGETHER), strict=True):
            self.fill_in(part, kept, rng)
        return x.unflatten(1, self.space.shape)

    def fill_in(self, flat: Tensor, keep: Tensor, rng: Generator) -> None:
        """Draws what is not kept of some images, (n, D), in place."""
        x = flat.unflatten(1, self.space.shape)  # a view: what is drawn into the one stands in the other
        reach = 1 + sum(block.reach for block in self.layers)
        height, width = x.shape[2:]
        for row in range(height):
            # The rows above are finished: what they tell this one is computed once, not for each pixel.
            near = x[:, :, max(0, row - reach) : row + 1]
            above = [known[:, :, -1:] for known in self.above(self.space.signed(near))]
            for column in range(width):
                left = max(0, column - reach)
                some = slice(left, max(column, min(reach, width - 1)) + 1)
                known = [each[..., some] for each in above]
                place = self.place[:, row : row + 1, some]
                row_so_far = self.space.signed(x[:, :, row : row + 1, some])
                logits = self.rows(row_so_far, known, place)[:, 0, column - left]
                self.fill(flat, keep, row * width + column, logits, rng)
