"""Fully connected layers with masks, of which each output sees only some inputs (MADE, arXiv:1502.03509)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MaskedLinear(nn.Linear):
    """A linear layer in which output j sees input i only where mask[j, i] is true."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.mask, self.bias)

    def part(self, x: Tensor, some: slice) -> Tensor:
        """Some of the outputs."""
        return F.linear(x, self.weight[some] * self.mask[some], self.bias[some])


def spread_degrees(units: int, dimensions: int) -> Tensor:
    """Degrees of hidden units, evenly over 1 … D − 1: a unit sees the inputs up to its degree, counted from 1."""
    return torch.arange(units) * max(dimensions - 1, 1) // units + 1


def masked_he_weights(layer: nn.Module) -> None:
    """N(0, 2/n) weights, n the number of inputs that the unit sees (He et al., 2015, arXiv:1502.01852).

    The usual n, the width of the layer below, starts the units near zero, and they then learn little.
    """
    if isinstance(layer, MaskedLinear):
        fan_in = layer.mask.sum(1, keepdim=True)
        nn.init.normal_(layer.weight)
        with torch.no_grad():
            layer.weight *= (2 / fan_in).sqrt()
        nn.init.zeros_(layer.bias)


class MaskedAffine(nn.Module):
    """u_i = (x_i − μ_i) exp(−α_i), where μ_i and α_i see the values of x before i; its Jacobian is a triangle.

    One pass leads from x to u, D passes back.  backwards: "before" means after, in the order of the values.
    α = bound · tanh(…), with a bound that is learned.
    """

    def __init__(self, dimensions: int, hidden: int, layers: int, *, backwards: bool) -> None:
        super().__init__()
        degrees = torch.arange(1, dimensions + 1)
        own = degrees.flip(0) if backwards else degrees
        self.order = own.argsort().tolist()
        blocks: list[nn.Module] = []
        below = own
        for _ in range(layers):
            following = spread_degrees(hidden, dimensions)
            blocks += [MaskedLinear(following[:, None] >= below[None, :]), nn.SiLU()]
            below = following
        self.body = nn.Sequential(*blocks)
        self.body.apply(masked_he_weights)
        strictly = own[:, None] > below[None, :]
        self.shift, self.log_scale = MaskedLinear(strictly), MaskedLinear(strictly)
        for head in (self.shift, self.log_scale):  # a flow starts close to the identity
            nn.init.normal_(head.weight, std=1e-3)
            nn.init.zeros_(head.bias)
        self.bound = nn.Parameter(torch.ones(dimensions))

    def affine(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and α, (n, D) each."""
        h = self.body(x)
        return self.shift(h), self.bound * self.log_scale(h).tanh()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) -> u (n, D) and log |det ∂u/∂x|, (n,)."""
        shift, log_scale = self.affine(x)
        return (x - shift) * (-log_scale).exp(), -log_scale.sum(1)

    def inverse(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) -> x (n, D) and log |det ∂x/∂u|, (n,); value after value, since each needs those before it."""
        x, total = torch.zeros_like(u), u.new_zeros(len(u))
        for i in self.order:
            shift, log_scale = self.affine(x)
            value = u[:, i] * log_scale[:, i].exp() + shift[:, i]
            x = x.index_copy(1, torch.tensor([i], device=x.device), value[:, None])
            total = total + log_scale[:, i]
        return x, total
