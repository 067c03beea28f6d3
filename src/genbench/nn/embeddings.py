"""Numbers as vectors that networks can tell apart."""

import math

import torch
from torch import Tensor, nn


def sinusoidal_embedding(t: Tensor, width: int) -> Tensor:
    """(n,) -> (n, width): sines and cosines of t at rates 1 to 1e-4 (Vaswani et al., 2017, arXiv:1706.03762)."""
    rates = torch.exp(torch.arange(width // 2, device=t.device) * (-math.log(1e4) * 2 / width))
    angles = t[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


def level_embedding(count: int, width: int) -> nn.Embedding:
    """A table for `count` levels, to be learnt; it starts from sines and cosines of growing wavelength and some noise.

    The waves, up to about `count` long, tell that neighbouring levels are alike; the noise keeps them apart.
    """
    lengths = (4 * count) ** torch.linspace(0, 1, width // 2) * 4 ** torch.linspace(1, 0, width // 2)
    phase = 2 * math.pi * torch.arange(count)[:, None] / lengths
    waves = torch.cat([phase.sin(), phase.cos()], 1)
    table = nn.functional.pad(waves, (0, width - waves.shape[1])) + 0.3 * torch.randn(count, width)
    return nn.Embedding.from_pretrained(table, freeze=False)
