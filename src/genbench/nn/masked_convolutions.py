"""Convolutions that see what is before a pixel in raster order, and of the pixel itself R before G before B.

Sources: van den Oord, Kalchbrenner & Kavukcuoglu, 2016, arXiv:1601.06759, section 3.4, for the order of the channels;
arXiv:1606.05328 for the gated layers.  The features of a layer are in groups, one for each channel: those of the i-th
predict the i-th channel, and see of their own pixel what is before it.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def groups(features: int, channels: int) -> Tensor:
    """The group of each feature, 0 … channels − 1, in turn and as even as can be: (features,)."""
    return torch.arange(features) * channels // features


def within_pixels(shape: tuple[int, ...]) -> Tensor:
    """Where in a flattened (c, h, w) the values stand that one meets pixel by pixel, channel after channel: (D,)."""
    return torch.arange(math.prod(shape)).view(shape[0], -1).T.flatten()


class OrderedConvolution(nn.Conv2d):
    """A convolution along the row whose last place is the pixel itself, (n, inputs, h, w) -> (n, outputs, h, w').

    There an output sees the inputs of its own group and of those before it (mask B); the latter alone where it is
    `strict` (mask A), as in the first layer, whose inputs are the channels.  inputs, outputs: the group of each.
    """

    mask: Tensor | None

    def __init__(self, inputs: Tensor, outputs: Tensor, kernel: int = 1, *, strict: bool = False) -> None:
        super().__init__(len(inputs), len(outputs), (1, kernel))
        mask = torch.ones_like(self.weight, dtype=torch.bool)
        mask[:, :, 0, -1] = outputs[:, None] > inputs if strict else outputs[:, None] >= inputs
        self.register_buffer("mask", None if bool(mask.all()) else mask, persistent=False)

    @property
    def own_parameters(self) -> int:
        weights = self.weight.numel() if self.mask is None else int(self.mask.sum())
        return weights + (0 if self.bias is None else self.bias.numel())

    @property
    def masked(self) -> Tensor:
        """The weights without those that the mask hides."""
        return self.weight if self.mask is None else self.weight * self.mask

    def forward(self, x: Tensor) -> Tensor:
        if self.kernel_size == (1, 1):
            return pointwise(x, self.masked, self.bias)
        return F.conv2d(x, self.masked, self.bias)


def pointwise(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A 1 × 1 convolution as one product over all places, (n, c, h, w) -> (n, c', h, w).

    On one thread torch computes that of a small batch image by image, and copies each before and after.
    """
    return F.linear(x.movedim(1, -1), weight.flatten(1), bias).movedim(-1, 1)


def gate(x: Tensor) -> Tensor:
    """tanh(a) ⊙ σ(b), (n, 2w, h, w) -> (n, w, h, w)."""
    a, b = x.chunk(2, dim=1)
    return a.tanh() * b.sigmoid()


class GatedBlock(nn.Module):
    """One layer of both stacks.  In the first layer the horizontal stack may not see its own pixel (mask A).

    inputs, outputs: the group of each feature, which is the channel of the image that it helps to predict.
    """

    def __init__(self, inputs: Tensor, outputs: Tensor, kernel: int, *, first: bool = False) -> None:
        super().__init__()
        width = len(outputs)
        self.reach, self.first = kernel // 2, first
        # Of its own pixel the first layer reads the channels before, where there are any.
        self.own = int(first and len(inputs) > 1)
        self.vertical = nn.Conv2d(len(inputs), 2 * width, (self.reach + 1, kernel))
        self.horizontal = OrderedConvolution(
            inputs, outputs.repeat(2), self.reach + 1 + self.own, strict=bool(self.own)
        )
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.out = OrderedConvolution(outputs, outputs)

    def down(self, vertical: Tensor) -> tuple[Tensor, Tensor]:
        """The vertical stack, and what it tells the horizontal one of the rows above: (n, w, h, w'), (n, 2w, h, w')."""
        # Padding above and to both sides alone: row r sees rows ≤ r …
        rows = self.vertical(F.pad(vertical, (self.reach, self.reach, self.reach, 0)))
        above = F.pad(rows, (0, 0, 1, -1))  # … and hands on rows < r
        return gate(rows), pointwise(above, self.link.weight, self.link.bias)

    def across(self, horizontal: Tensor, above: Tensor) -> Tensor:
        """The horizontal stack: every row by itself, given what is above it."""
        # What the first layer's own pixel reads stands at its end, of the others the pixel itself.
        left = F.pad(horizontal, (self.reach + self.first, self.own - self.first))
        out = self.out(gate(self.horizontal(left) + above))
        return out if self.first else out + horizontal


class IncrementalBlock:
    """A block on images that are drawn pixel by pixel: what it keeps of them, so that every place is computed once.

    Its results are those of `down` and `across` but for rounding.  n, width: how many images, and of so many columns.
    """

    def __init__(self, block: GatedBlock, n: int, width: int) -> None:
        inputs = block.horizontal.in_channels
        self.block, place = block, block.link.weight
        # Of the vertical stack the last rows, of the horizontal one the row that is being drawn, and zeros before it.
        self.rows = place.new_zeros(n, inputs, block.reach, width)
        self.start = block.reach + block.first
        self.line = place.new_zeros(n, self.start + width, inputs)
        self.above = self.told(place.new_zeros(n, block.link.in_channels, 1, width))
        self.seen = block.horizontal.kernel_size[1]
        # As one product: a convolution of a single place spends its time on being set up.
        self.along = block.horizontal.masked.transpose(1, 3).flatten(1)
        self.out = block.out.masked.flatten(1)

    def told(self, rows: Tensor) -> Tensor:
        """What a row of the vertical stack tells the next one: (n, 2w, 1, w') -> (n, w', 2w)."""
        told: Tensor = self.block.link(rows)
        return told[:, :, 0].transpose(1, 2).contiguous()

    def down(self, vertical: Tensor) -> Tensor:
        """The next row of the vertical stack, (n, w, 1, w') -> (n, w, 1, w'); `across` is of the row below it now."""
        known, reach = torch.cat([self.rows, vertical], 2), self.block.reach
        rows = self.block.vertical(F.pad(known, (reach, reach)))
        self.rows, self.above = known[:, :, 1:], self.told(rows)
        return gate(rows)

    def read(self, horizontal: Tensor, column: int) -> None:
        """What stands at a place, (n, inputs), for those to its right."""
        self.line[:, self.start + column] = horizontal

    def across(self, horizontal: Tensor, column: int) -> Tensor:
        """The horizontal stack at one place, (n, inputs) -> (n, w)."""
        self.read(horizontal, column)
        window = self.line[:, column : column + self.seen].flatten(1)
        own = F.linear(window, self.along, self.block.horizontal.bias)
        out = F.linear(gate(own + self.above[:, column]), self.out, self.block.out.bias)
        return out if self.block.first else out + horizontal
