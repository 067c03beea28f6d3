"""Layers that look at the statistics of what passes through them."""

import torch
from torch import Tensor, nn


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


# By the names that options give them; of two dimensions.
NORMS: dict[str, type[nn.Module]] = {
    "instance": nn.InstanceNorm2d,
    "batch": nn.BatchNorm2d,
    "none": nn.Identity,
}
