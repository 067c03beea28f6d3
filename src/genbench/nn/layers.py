"""Layers that two or more models use."""

import torch
from torch import Tensor, nn


class Maxout(nn.Module):
    """The largest of `pieces` linear maps, unit by unit (Goodfellow et al., 2013, arXiv:1302.4389)."""

    def __init__(self, inputs: int, outputs: int, pieces: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs * pieces)
        self.outputs, self.pieces = outputs, pieces

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).unflatten(1, (self.outputs, self.pieces)).amax(2)


class Equalised(nn.Module):
    """A linear or convolutional layer with weights from N(0, 1), scaled by He's constant at run time.

    w·(c x) + b with c = gain / √fan-in: under Adam all weights then learn at the same pace, whatever their layer's
    width (Karras et al., 2018, arXiv:1710.10196, section 4.1).
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, gain: float = 2**0.5) -> None:
        super().__init__()
        nn.init.normal_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        self.layer, self.scale = layer, gain / layer.weight[0].numel() ** 0.5

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.scale * x)


class PixelNorm(nn.Module):
    """x / √(mean x² + ε) over the feature maps, at every place by itself (arXiv:1710.10196, section 4.2)."""

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, …) -> the same shape."""
        return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class MinibatchDeviation(nn.Module):
    """One more feature map: how much the elements of the batch differ (arXiv:1710.10196, section 3).

    The standard deviation over the batch of each value, averaged over all values: the critic sees a lack of variety.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c + 1, h, w)."""
        deviation = (x.var(0, unbiased=False) + 1e-8).sqrt().mean()
        return torch.cat([x, deviation.expand(len(x), 1, *x.shape[2:])], 1)
