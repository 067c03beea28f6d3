"""What the two players of an adversarial game pay, by the critic's scores of real and of generated elements.

Each loss has a best score for fixed densities p of the data and q of the generator: that is what the critic estimates.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from genbench.nn.games import LEAST_SQUARES, NON_SATURATING, WASSERSTEIN, Losses


class AdversarialLoss(NamedTuple):
    """critic: scores (n,) of real and (n,) of generated elements -> its mean loss.

    generator: the same for the generator.  Its scores of real elements are None unless the loss is `paired`.
    invariant: whether only differences of scores count, so that a constant added to all of them is never learned.
    paired: whether the generator's loss compares its elements with real ones.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor | None, Tensor], Tensor]
    invariant: bool = False
    paired: bool = False


def separate(
    losses: Losses, generator: Callable[[Tensor], Tensor], *, invariant: bool = False
) -> AdversarialLoss:
    """Real and generated elements pay apart from each other; `generator`: what a generated one costs its maker."""
    return AdversarialLoss(
        lambda real, fake: losses.real(real).mean() + losses.fake(fake).mean(),
        lambda real, fake: generator(fake).mean(),
        invariant,
    )


def relativistic_critic(real: Tensor, fake: Tensor) -> Tensor:
    """−E log σ(f(x) − f(G(z))), in pairs of one real and one generated element."""
    return F.softplus(fake - real).mean()


def relativistic_generator(real: Tensor | None, fake: Tensor) -> Tensor:
    """−E log σ(f(G(z)) − f(x))."""
    if real is None:
        raise ValueError(
            "real: None; the relativistic loss expects scores of real elements beside the others"
        )
    return F.softplus(real - fake).mean()


# max(0, 1 − f) and max(0, 1 + f) (Lim & Ye, 2017, arXiv:1705.02894); the generator pays −f.  Best: f = sign(p − q).
HINGE = Losses(lambda score: F.relu(1 - score), lambda score: F.relu(1 + score))

LOSSES = {
    # Both of Goodfellow et al., 2014, arXiv:1406.2661, section 3.  Best: f = log p/q.  The generator descends
    # log(1 − D), whose slope vanishes where the critic is sure of itself, or −log D, whose slope does not.
    "minimax": separate(NON_SATURATING, lambda score: -F.softplus(score)),
    "non_saturating": separate(NON_SATURATING, NON_SATURATING.real),
    # Mao et al., 2017, arXiv:1611.04076, with a = 0, b = c = 1.  Best: f = p / (p + q).
    "least_squares": separate(LEAST_SQUARES, LEAST_SQUARES.real),
    "hinge": separate(HINGE, torch.neg),
    # Arjovsky et al., 2017, arXiv:1701.07875.  Best among 1-Lipschitz f: E f(x) − E f(G(z)) is the distance.
    "wasserstein": separate(WASSERSTEIN, WASSERSTEIN.real, invariant=True),
    # Jolicoeur-Martineau, 2019, arXiv:1807.00734, section 4.1.  Best: f = log p/q, up to a constant.
    "relativistic": AdversarialLoss(relativistic_critic, relativistic_generator, invariant=True, paired=True),
}
