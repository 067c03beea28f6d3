"""Transformer blocks (Vaswani et al., 2017), arXiv:1706.03762, normalised before each layer; a cache for sampling.

Attention is written out: the fused kernels' gradients differ from run to run on some devices.
"""

import torch
from torch import Tensor, nn

KVCache = dict[str, Tensor]
"""Keys and values of earlier positions, by layer: with it a forward pass takes new positions only."""


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

    def keys_values(self, x: Tensor) -> Tensor:
        """(n, s, w) -> (2, n, heads, s, w/heads)."""
        n, s, w = x.shape
        return self.key_value(x).view(n, s, 2, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)

    def forward(self, x: Tensor, keys_values: Tensor, hidden: Tensor | None) -> Tensor:
        """x: (n, t, w).  hidden: see `hiding`, broadcastable to (n, heads, t, s), or None where all is to be seen."""
        n, t, w = x.shape
        # Queries are scaled and not scores, and what is hidden is added: fewer passes over t × s numbers.
        q = self.query(x) * (w // self.heads) ** -0.5
        k, v = keys_values
        scores = q.view(n, t, self.heads, -1).transpose(1, 2) @ k.transpose(2, 3)  # (n, h, t, s)
        if hidden is not None:
            scores = scores + hidden
        return self.output((scores.softmax(3) @ v).transpose(1, 2).reshape(n, t, w))


def hiding(visible: Tensor, like: Tensor) -> Tensor:
    """0 where something is to be seen and −∞ elsewhere, in the type of `like`: what is added to scores."""
    return like.new_zeros(visible.shape).masked_fill(~visible, float("-inf"))


class Block(nn.Module):
    """Attention to the sequence, to a context where there is one, and a feed-forward layer; each adds to x."""

    def __init__(self, width: int, heads: int, *, dropout: float, context: bool, condition: bool) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if context else 2))
        self.attention = Attention(width, heads)
        self.cross_attention = Attention(width, heads) if context else None
        self.condition = nn.Linear(width, width) if condition else None
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))

    def forward(
        self,
        x: Tensor,
        hidden: Tensor | None,
        *,
        context: tuple[Tensor, Tensor] | None = None,
        condition: Tensor | None = None,
        cache: KVCache | None = None,
        name: str = "",
    ) -> Tensor:
        h = self.norms[0](x)
        keys_values = self.attention.keys_values(h)
        if cache is not None:
            if f"{name}.self" in cache:
                keys_values = torch.cat([cache[f"{name}.self"], keys_values], 3)
            cache[f"{name}.self"] = keys_values
        x = x + self.dropout(self.attention(h, keys_values, hidden))
        if self.condition is not None and condition is not None:
            x = x + self.condition(condition)[:, None]  # a class, added after the attention (PolyGen)
        if self.cross_attention is not None and context is not None:
            elements, context_hidden = context
            across = None if cache is None else cache.get(f"{name}.cross")
            if across is None:
                across = self.cross_attention.keys_values(elements)
                if cache is not None:
                    cache[f"{name}.cross"] = across
            h = self.cross_attention(self.norms[2](x), across, context_hidden)
            x = x + self.dropout(h)
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
        mask: Tensor | None = None,
        context: tuple[Tensor, Tensor] | None = None,
        condition: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:
        """(n, t, w) -> (n, t, w).

        mask: (n, t) bool, which positions are to be seen, without causality.  context: elements (n, s, w) and their
        mask (n, s).  condition: (n, w).  cache: pass the same dict while the sequence grows, and in x the new
        positions: all that there are at first, and one by one from then on.
        """
        hidden = None if mask is None else hiding(mask, x)[:, None, None]
        if self.causal and x.shape[1] > 1:
            every = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device)
            hidden = hiding(every.tril(), x)
        if context is not None:
            context = context[0], hiding(context[1], x)[:, None, None]
        for i, block in enumerate(self.blocks):
            x = block(x, hidden, context=context, condition=condition, cache=cache, name=str(i))
        return self.norm(x)
