"""NADE (Larochelle & Murray, 2011): p(x_i | x_<i) = σ(b_i + V_i h_i), h_i = σ(c + Σ_{j<i} W_j x_j).

The neural autoregressive distribution estimator, PMLR 15:29–37; arXiv:1605.02226 is the long version.  All conditionals
share W, and h_{i+1} differs from h_i by one term of the sum: a pass over all D pixels costs O(DH).
"""

from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from genbench.core import Space
from genbench.nn.autoregressive import Autoregressive

# Pixels between the running sums that a forward pass keeps; a backward pass computes what lies between them again.
BLOCK = 16


class Conditionals(torch.autograd.Function):
    """x (n, D) in the model's order, c (H,), W (D, H), V (D, H, channels) -> V_i h_i, (D, n, channels).

    Pixel after pixel, as the paper writes it: what one needs fits in a processor's cache.  Autograd would keep all
    D·n·H hidden values, and on images of 28×28 spend most of its time on bringing them from memory and back.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, c: Tensor, W: Tensor, V: Tensor) -> Tensor:
        columns = x.T.contiguous()
        running, kept = c.repeat(len(x), 1), []  # c + Σ_{j<i} W_j x_j, (n, H)
        h, out = torch.empty_like(running), x.new_empty(len(W), len(x), V.shape[2])
        for i in range(len(W)):
            if i % BLOCK == 0:
                kept.append(running.clone())
            torch.mm(torch.sigmoid(running, out=h), V[i], out=out[i])
            running.addr_(columns[i], W[i])
        ctx.save_for_backward(columns, W, V, *kept)
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor, Tensor, Tensor]:
        columns, W, V, *kept = ctx.saved_tensors
        of_x, of_W, of_V = (torch.empty_like(each) for each in (columns, W, V))
        # The gradient of the running sum of pixel i from all pixels after it.
        later = torch.zeros_like(kept[0])
        of_h, hidden = torch.empty_like(later), later.new_empty(BLOCK, *later.shape)
        for first in reversed(range(0, len(W), BLOCK)):
            block, running = range(first, min(first + BLOCK, len(W))), kept.pop().clone()
            for i in block:
                torch.sigmoid(running, out=hidden[i - first])
                running.addr_(columns[i], W[i])
            for i in reversed(block):
                h, of_logits = hidden[i - first], grads[0][i]
                if ctx.needs_input_grad[0]:
                    torch.mv(later, W[i], out=of_x[i])
                torch.mv(later.T, columns[i], out=of_W[i])
                torch.mm(h.T, of_logits, out=of_V[i])
                torch.mm(of_logits, V[i].T, out=of_h)
                later += torch.ops.aten.sigmoid_backward(of_h, h)
        return of_x.T if ctx.needs_input_grad[0] else None, later.sum(0), of_W, of_V


class NADE(Autoregressive):
    """Bernoulli outputs for two levels, L-way outputs for more.

    hidden: H.  order_seed: of a random order of the pixels, as in the paper; None is raster order.
    """

    order: Tensor
    tiny: ClassVar = {"hidden": 24}

    def __init__(
        self,
        space: Space,
        *,
        hidden: int = 500,
        order_seed: int | None = None,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space, lr=lr, weight_decay=weight_decay)
        d, channels = space.dimensions, self.levels.channels
        order = torch.arange(d)
        if order_seed is not None:
            order = torch.randperm(d, generator=Generator().manual_seed(order_seed))
        self.register_buffer("order", order, persistent=False)
        # Row i of W, V and b belongs to the i-th pixel of the order.
        self.W = nn.Parameter(torch.randn(d, hidden) / d**0.5)
        self.c = nn.Parameter(torch.zeros(hidden))
        self.V = nn.Parameter(torch.randn(d, hidden, channels) / hidden**0.5)
        self.b = nn.Parameter(torch.zeros(d, channels))

    @property
    def own_parameters(self) -> int:
        """All but the last row of W, which no conditional reads."""
        return sum(each.numel() for each in (self.W, self.c, self.V, self.b)) - self.W.shape[1]

    def logits(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n, D, channels), in the model's order."""
        return Conditionals.apply(self.in_order(x), self.c, self.W, self.V).transpose(0, 1) + self.b

    @torch.no_grad()
    def complete(self, x: Tensor, mask: Tensor, *, rng: Generator) -> Tensor:
        """The running sum goes from pixel to pixel, in place: D pixels cost about one pass."""
        x, keep = self.shown(x, mask)
        running = self.c.repeat(len(x), 1)
        h = torch.empty_like(running)
        for i, pixel in enumerate(self.order.tolist()):
            logits = torch.addmm(self.b[i], torch.sigmoid(running, out=h), self.V[i])  # (n, channels)
            self.fill(x, keep, pixel, logits, rng)
            running.addr_(x[:, pixel], self.W[i])
        return x.unflatten(1, self.space.shape)
