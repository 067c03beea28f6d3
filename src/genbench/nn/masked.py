"""Networks with masks, of which each output sees only the values before it (MADE, arXiv:1502.03509)."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def masked_gradient(mask: Tensor, gradient: Tensor) -> Tensor:
    """0 where the mask is; in place, as in a step of a wide layer new memory costs more than the product."""
    return gradient * mask if gradient.requires_grad else gradient.mul_(mask)


class MaskedLinear(nn.Linear):
    """A linear layer in which output j sees input i only where mask[j, i] is true.

    The other weights are 0 from the start and have no gradient, so that a step of training need not mask them again.
    Whoever sets weights calls `masked_`; likelihoods and samples mask them in any case.
    """

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        # As numbers: a product with truth values takes twice the time of this one, and of a wide layer's step a third.
        self.register_buffer("mask", mask.float(), persistent=False)
        self.masked_()

    @torch.no_grad()
    def masked_(self) -> None:
        """Sets the weights to 0 that the mask hides."""
        self.weight *= self.mask

    @property
    def own_parameters(self) -> int:
        return int(self.mask.sum()) + self.bias.numel()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or torch.compiler.is_compiling():  # which knows no hooks, and fuses the product
            return F.linear(x, self.weight * self.mask, self.bias)
        weight = self.weight.view_as(self.weight)  # this pass's own, for the hook to go with it
        if weight.requires_grad:
            weight.register_hook(partial(masked_gradient, self.mask))
        return F.linear(x, weight, self.bias)

    def part(self, x: Tensor, some: slice) -> Tensor:
        """Some of the outputs, of the first inputs x, (n, k), alone: where the mask has no others."""
        some_mask = self.mask[some, : x.shape[1]]
        return F.linear(x, self.weight[some, : x.shape[1]] * some_mask, self.bias[some])


def masked_he_weights(layer: nn.Module) -> None:
    """N(0, 2/n) weights, n the number of inputs that the unit sees (He et al., 2015, arXiv:1502.01852).

    The usual n, the width of the layer below, starts the units near zero, and they then learn little.
    """
    if isinstance(layer, MaskedLinear):
        fan_in = layer.mask.sum(1, keepdim=True).clamp(min=1)  # a unit may see nothing
        nn.init.normal_(layer.weight)
        with torch.no_grad():
            layer.weight *= (2 / fan_in).sqrt()
        layer.masked_()
        nn.init.zeros_(layer.bias)


class MaskedNetwork(nn.Module):
    """Numbers for each of D values, which see the values before it: (n, D) -> (n, D, outputs).

    Hidden units have degrees spread evenly over 1 … D − 1, in order, and see the values up to their degree.
    """

    def __init__(self, dimensions: int, hidden: int, layers: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.outputs = outputs
        values = torch.arange(1, dimensions + 1)
        degrees = torch.arange(hidden) * (dimensions - 1) // hidden + 1
        below = [values, *[degrees] * layers]
        self.layers = nn.ModuleList(MaskedLinear(up[:, None] >= low[None, :]) for low, up in pairwise(below))
        self.head = MaskedLinear(values.repeat_interleave(outputs)[:, None] > below[-1][None, :])
        # How many units see no more than i values.
        self.known = [int((degrees <= i).sum()) for i in range(dimensions)]
        self.dropout = dropout
        self.apply(masked_he_weights)
        nn.init.normal_(self.head.weight, std=1e-3)
        self.head.masked_()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = F.dropout(F.silu(layer(x)), self.dropout, self.training)
        return self.head(x).unflatten(1, (-1, self.outputs))

    def in_turn(self, value: Callable[[int, Tensor], Tensor]) -> Tensor:
        """(n, D), each value from its own numbers: value(i, (n or 1, outputs)) -> (n,).

        A hidden unit is computed once, as soon as all that it sees is known: D values cost about one pass.
        """
        found = value(0, self.head.bias[None, : self.outputs])[:, None]
        units = [found.new_zeros(len(found), 0) for _ in self.layers]
        for i, (before, now) in enumerate(pairwise(self.known), 1):
            inputs = found
            for number, layer in enumerate(self.layers):
                if now > before:
                    more = F.silu(layer.part(inputs, slice(before, now)))  # type: ignore[operator]
                    units[number] = torch.cat([units[number], more], 1)
                inputs = units[number]
            numbers = self.head.part(inputs, slice(i * self.outputs, (i + 1) * self.outputs))
            found = torch.cat([found, value(i, numbers)[:, None]], 1)
        return found


class MaskedAffine(nn.Module):
    """u_i = (x_i − μ_i) exp(−α_i), where μ_i and α_i see the values of x before i; its Jacobian is a triangle.

    One pass leads from x to u, D steps lead back.  backwards: "before" is after, in the order of the values.
    α = bound · tanh(…), with a bound that is learned.
    """

    def __init__(
        self, dimensions: int, hidden: int, layers: int, dropout: float = 0.0, *, backwards: bool
    ) -> None:
        super().__init__()
        self.backwards = backwards
        self.network = MaskedNetwork(dimensions, hidden, layers, 2, dropout)
        self.bound = nn.Parameter(torch.ones(dimensions))

    def ordered(self, x: Tensor) -> Tensor:
        """(n, D) from the order of the values to the network's, or from that to the values' again."""
        return x.flip(1) if self.backwards else x

    def affine(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and α, (n, D) each."""
        shift, raw = self.network(self.ordered(x)).unbind(2)
        return self.ordered(shift), self.ordered(self.bound * raw.tanh())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) -> u (n, D) and log |det ∂u/∂x|, (n,)."""
        shift, log_scale = self.affine(x)
        return (x - shift) * (-log_scale).exp(), -log_scale.sum(1)

    def inverse(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) -> x (n, D) and log |det ∂x/∂u|, (n,)."""
        u, log_scales = self.ordered(u), []

        def value(i: int, numbers: Tensor) -> Tensor:
            shift, raw = numbers.unbind(1)
            log_scales.append((self.bound[i] * raw.tanh()).expand(len(u)))
            return u[:, i] * log_scales[-1].exp() + shift

        return self.ordered(self.network.in_turn(value)), torch.stack(log_scales).sum(0)


def autoregressive_maps(
    dimensions: int, blocks: int, hidden: int, layers: int, dropout: float = 0.0
) -> list[MaskedAffine]:
    """Maps one after another, every second of which takes the values in the opposite order."""
    return [MaskedAffine(dimensions, hidden, layers, dropout, backwards=i % 2 == 1) for i in range(blocks)]
