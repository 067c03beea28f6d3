"""PixelCNN (van den Oord et al., 2016), arXiv:1601.06759.  log p(x) = Σ_i log p(x_i | x_<i) by causal convolutions.

In the gated form of the same authors (arXiv:1606.05328), whose two stacks leave no blind spot: the vertical one sees
all rows above, the horizontal one the pixels to the left, and of its own pixel the channels before: R, then G, then B.
"""

from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from genbench.core import Space
from genbench.nn.autoregressive import Autoregressive
from genbench.nn.masked_convolutions import (
    GatedBlock,
    IncrementalBlock,
    OrderedConvolution,
    groups,
    within_pixels,
)
from genbench.nn.towers import check_images

TOGETHER = 1000  # images that are drawn side by side: 28×28 pixels and 16 feature maps take 2 GB


class PixelCNN(Autoregressive):
    """A 7×7 layer, then gated blocks; Bernoulli outputs for two levels, L-way outputs for more.

    width: feature maps.  blocks, kernel: number and side of the layers after the first.  input_dropout hides a
    share of the context in training, which small data sets need.  A bias for each place tells positions apart in
    small, centred images.
    """

    weakness = "It sees some rows and columns: what has to agree across a whole object may change within it."
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
        check_images(space, "PixelCNN is for images")
        if kernel % 2 == 0:
            raise ValueError(f"kernel: got {kernel}; expected an odd number")
        self.input_dropout = nn.Dropout(input_dropout)
        self.place = nn.Parameter(torch.zeros(width, *space.shape[1:]))
        channels = space.shape[0]
        inputs, features = torch.arange(channels), groups(width, channels)
        self.layers: Any = nn.ModuleList(
            [
                GatedBlock(inputs, features, 7, first=True),
                *(GatedBlock(features, features, kernel) for _ in range(blocks)),
            ]
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Sequential(
            nn.ReLU(),
            OrderedConvolution(features, features),
            nn.ReLU(),
            nn.Dropout(dropout),
            OrderedConvolution(features, inputs.repeat_interleave(self.levels.channels)),
        )
        if channels > 1:
            self.register_buffer("order", within_pixels(space.shape), persistent=False)

    def field(self) -> Tensor:
        """As many rows above and columns to either side as all layers reach, and in its own row one more.

        Of the pixel itself a channel sees those before it.
        """
        channels, height, width = self.space.shape
        reach = sum(block.reach for block in self.layers)
        place = torch.arange(height * width)
        up = place[:, None] // width - place // width
        left = place[:, None] % width - place % width  # > 0: to the left
        above = (up > 0) & (up <= reach + 1) & (left.abs() <= reach)
        pixels = above | (up == 0) & (left > 0) & (left <= reach + 1)
        every = torch.ones(channels, channels)
        both = torch.kron(pixels.float(), every) + torch.kron(torch.eye(len(place)), every.tril(-1))
        return both.bool()

    def logits(self, x: Tensor) -> Tensor:
        """(n, c, h, w) in [0, 1] -> (n, D, channels), pixel by pixel."""
        first, *later = self.layers
        x = self.input_dropout(self.space.signed(x))
        vertical, above = first.down(x)
        horizontal = first.across(x, above) + self.place
        for block in later:
            vertical, above = block.down(self.dropout(vertical))
            horizontal = block.across(self.dropout(horizontal), above)
        return self.output(horizontal).flatten(1, 3)

    def output(self, horizontal: Tensor) -> Tensor:
        """(n, width, r, w) -> (n, r, w, c, channels)."""
        logits: Tensor = self.head(horizontal).movedim(1, -1)
        return logits.unflatten(-1, (self.space.shape[0], -1))

    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """The vertical stack goes through each row once, the horizontal one through each place for each channel."""
        x, keep = self.shown(x, mask)
        for part, kept in zip(x.split(TOGETHER), keep.split(TOGETHER), strict=True):
            self.fill_in(part, kept, rng)
        return x.unflatten(1, self.space.shape)

    def fill_in(self, flat: Tensor, keep: Tensor, rng: Generator) -> None:
        """Draws what is not kept of some images, (n, D), in place."""
        x = flat.unflatten(1, self.space.shape)  # a view: what is drawn into the one stands in the other
        channels, height, width = self.space.shape
        first, *later = layers = [IncrementalBlock(block, len(x), width) for block in self.layers]
        for row in range(height):
            for column in range(width):
                for channel in range(channels):
                    here = self.space.signed(x[:, :, row, column])
                    horizontal = first.across(here, column) + self.place[:, row, column]
                    for layer in later:
                        horizontal = layer.across(horizontal, column)
                    logits = self.output(horizontal[..., None, None])[:, 0, 0, channel]
                    self.fill(flat, keep, (channel * height + row) * width + column, logits, rng)
                first.read(self.space.signed(x[:, :, row, column]), column)  # with its last channel
            vertical = self.space.signed(x[:, :, row : row + 1])
            for layer in layers:
                vertical = layer.down(vertical)
