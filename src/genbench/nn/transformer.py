"""Transformer blocks (Vaswani et al., 2017), arXiv:1706.03762, normalised before each layer; a memory for sampling.

Attention is written out: the fused kernels' gradients differ from run to run on some devices.
"""

import math

import torch
from torch import Tensor, nn

Memory = dict[str, Tensor]
"""Keys and values of what has been seen, by layer: with it a forward pass takes new positions only."""


def waves(count: int, width: int) -> Tensor:
    """(count, w): numbers 0 … count−1 as sines and cosines of growing wavelength, up to about `count`, with some noise.

    As what an embedding starts from it tells that neighbouring levels are alike; the noise keeps them apart.
    """
    lengths = (4 * count) ** torch.linspace(0, 1, width // 2) * 4 ** torch.linspace(1, 0, width // 2)
    phase = 2 * math.pi * torch.arange(count)[:, None] / lengths
    code = torch.cat([phase.sin(), phase.cos()], 1)
    return nn.functional.pad(code, (0, width - code.shape[1])) + 0.3 * torch.randn(count, width)


class Attention(nn.Module):
    """softmax(QKᵀ/√d)V over several heads.  Queries and keys have no bias: a key's bias would change nothing."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width: got {width}; expected a multiple of heads={heads}")
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.output = nn.Linear(width, width)

    def keys_values(self, seen: Tensor) -> Tensor:
        """(n, s, w) -> (2, n, heads, s, w/heads)."""
        n, s, w = seen.shape
        return self.key_value(seen).view(n, s, 2, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)

    def forward(self, x: Tensor, keys_values: Tensor, visible: Tensor | None) -> Tensor:
        """x: (n, t, w).  visible: bool, broadcastable to (n, heads, t, s), or None for all."""
        n, t, w = x.shape
        q = self.query(x).view(n, t, self.heads, w // self.heads).transpose(1, 2)  # (n, h, t, d)
        k, v = keys_values
        scores = q @ k.transpose(2, 3) * (w // self.heads) ** -0.5  # (n, h, t, s)
        if visible is not None:
            scores = scores.masked_fill(~visible, float("-inf"))
        return self.output((scores.softmax(3) @ v).transpose(1, 2).reshape(n, t, w))


class Block(nn.Module):
    """Attention to the sequence, to a context where there is one, and a feed-forward layer; each adds to x."""

    def __init__(self, width: int, heads: int, *, dropout: float, context: bool, condition: bool) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if context else 2))
        self.attention = Attention(width, heads)
        self.across = Attention(width, heads) if context else None
        self.condition = nn.Linear(width, width) if condition else None
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))

    def forward(
        self,
        x: Tensor,
        visible: Tensor | None,
        *,
        context: tuple[Tensor, Tensor] | None = None,
        condition: Tensor | None = None,
        memory: Memory | None = None,
        name: str = "",
    ) -> Tensor:
        h = self.norms[0](x)
        seen = self.attention.keys_values(h)
        if memory is not None:
            if f"{name}.seen" in memory:
                seen = torch.cat([memory[f"{name}.seen"], seen], 3)
            memory[f"{name}.seen"] = seen
        x = x + self.dropout(self.attention(h, seen, visible))
        if self.condition is not None and condition is not None:
            x = x + self.condition(condition)[:, None]  # a class, added after the attention (PolyGen)
        if self.across is not None and context is not None:
            elements, there = context
            across = None if memory is None else memory.get(f"{name}.across")
            if across is None:
                across = self.across.keys_values(elements)
                if memory is not None:
                    memory[f"{name}.across"] = across
            x = x + self.dropout(self.across(self.norms[2](x), across, there[:, None, None]))
        return x + self.dropout(self.feed_forward(self.norms[1](x)))


class Transformer(nn.Module):
    """Blocks in a row and a last normalisation.

    causal: position t sees positions up to t.  context: blocks attend to other elements too.  condition: blocks add a
    projection of a vector, one for each sequence.
    """

    def __init__(
        self,
        width: int,
        layers: int,
        heads: int,
        *,
        dropout: float = 0.0,
        causal: bool = True,
        context: bool = False,
        condition: bool = False,
    ) -> None:
        super().__init__()
        self.causal = causal
        self.blocks = nn.ModuleList(
            Block(width, heads, dropout=dropout, context=context, condition=condition) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(
        self,
        x: Tensor,
        *,
        there: Tensor | None = None,
        context: tuple[Tensor, Tensor] | None = None,
        condition: Tensor | None = None,
        memory: Memory | None = None,
    ) -> Tensor:
        """(n, t, w) -> (n, t, w).

        there: (n, t) bool, which positions are to be seen, without causality.  context: elements (n, s, w), and which
        of them are there (n, s).  condition: (n, w).  memory: pass the same dict while the sequence grows, and in x
        the new positions: all that there are at first, and one by one from then on.
        """
        visible = None if there is None else there[:, None, None]
        if self.causal and x.shape[1] > 1:
            visible = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        for i, block in enumerate(self.blocks):
            x = block(x, visible, context=context, condition=condition, memory=memory, name=str(i))
        return self.norm(x)
