"""What keeps a critic smooth: penalties on its slope, bounds on its weights or on its layers' spectra."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from genbench.nn.games import Optimizer, gradient_penalty

Critic = Callable[[Tensor], Tensor]


def slope(critic: Critic, x: Tensor) -> Tensor:
    """‖∇f(x)‖₂ at each of (n, *shape): (n,), with a graph for the critic's weights.  critic: -> (n,) values of f."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient.flatten(1).norm(dim=1)


def r1_penalty(critic: Critic, real: Tensor) -> Tensor:
    """½ E[‖∇f(x)‖²] on the data, (n, *shape) (Mescheder et al., 2018, arXiv:1801.04406, eq. 9, without its γ)."""
    x = real.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean() / 2


def dragan_penalty(critic: Critic, real: Tensor) -> Tensor:
    """E[(‖∇f(x̂)‖₂ − 1)²] around the data (Kodali et al., 2017, arXiv:1705.07215, and the official code).

    x̂ = x + ½ a s u, s the deviation of all values of the batch, a and u uniform on [0, 1], for the element and each
    of its values.
    """
    along = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
    around = real + along * (0.5 * real.std() * torch.rand_like(real))
    return (slope(critic, around) - 1).square().mean()


def clipped(optimizer: Optimizer, bound: float) -> Optimizer:
    """The optimiser that, after each of its steps, brings every weight back to [−c, c], c the bound.

    Weight clipping (Arjovsky et al., 2017, arXiv:1701.07875, algorithm 1); before the step it would leave weights
    outside, where the loss then sees them.
    """

    def build(parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        built = optimizer(parameters)

        @torch.no_grad()
        def clip(*_: Any) -> None:
            for parameter in parameters:
                parameter.clamp_(-bound, bound)

        built.register_step_post_hook(clip)
        return built

    return build


def spectrally_normalised(network: nn.Sequential) -> nn.Sequential:
    """Every linear or convolutional layer divided by its largest singular value, which power iteration follows.

    Miyato et al., 2018, arXiv:1802.05957, algorithm 1: one iteration at each pass in training.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Linear | nn.Conv2d):
            spectral_norm(module)
    return network


class Regulariser(NamedTuple):
    """penalty: of critic, real and generated elements -> what is added to the critic's loss, times its weight.

    constrain: the critic's network, changed so that it keeps to a bound by itself.  clips: whether the optimiser clips.
    batch_norm: whether the critic may look at a batch as a whole: a slope at one element would not be its own, and a
    bound on the weights of a norm bounds nothing.
    """

    penalty: Callable[[Critic, Tensor, Tensor], Tensor] | None = None
    constrain: Callable[[nn.Sequential], nn.Sequential] = lambda network: network
    clips: bool = False
    batch_norm: bool = False


REGULARISERS = {
    "none": Regulariser(batch_norm=True),
    "weight_clipping": Regulariser(clips=True),
    "gradient_penalty": Regulariser(gradient_penalty),
    "r1": Regulariser(lambda critic, real, _: r1_penalty(critic, real)),
    "dragan": Regulariser(lambda critic, real, _: dragan_penalty(critic, real)),
    "spectral_norm": Regulariser(constrain=spectrally_normalised),
}
