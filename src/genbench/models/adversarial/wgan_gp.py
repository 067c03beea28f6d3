"""WGAN-GP (Gulrajani et al., 2017), arXiv:1704.00028.  The Wasserstein game with a penalised critic.

The critic minimises E[f(G(z))] − E[f(x)] + λ E[(‖∇f(x̂)‖₂ − 1)²], x̂ uniform on the line between x and G(z); the
generator minimises −E[f(G(z))].  As f nears the best 1-Lipschitz critic, −loss nears the Wasserstein-1 distance.
"""

from functools import partial
from typing import ClassVar, Literal

import torch

from genbench.core import Space
from genbench.nn.adversarial_losses import LOSSES
from genbench.nn.adversaries import Sizes, convolutions, perceptrons
from genbench.nn.composed_games import ComposedGame
from genbench.nn.games import checked_steps
from genbench.nn.regularisers import REGULARISERS

NETWORKS = {"convolutions": convolutions, "perceptrons": perceptrons}


class WGANGP(ComposedGame):
    """Five steps of the critic for one of the generator.

    network: flat elements, of shape (d,), have perceptrons in any case.  Batch norm in the generator alone: a critic
    with it has no gradient of its own for each x̂ (paper, section 4).  latent: dimensions of z.  width: feature maps at
    full resolution.  hidden, layers: of the perceptrons.  penalty: λ.
    """

    tiny: ClassVar = {"latent": 6, "width": 8, "hidden": 24}

    def __init__(
        self,
        space: Space,
        *,
        network: Literal["convolutions", "perceptrons"] = "convolutions",
        latent: int = 128,
        width: int = 64,
        hidden: int = 512,
        layers: int = 3,
        penalty: float = 10.0,
        critic_steps: int = 5,
        lr: float = 1e-4,
        beta1: float = 0.0,
        beta2: float = 0.9,
    ) -> None:
        super().__init__(space)
        self.critic_steps = checked_steps(critic_steps)
        build = NETWORKS[network] if space.kind == "image" else perceptrons
        self.generator, self.critic = build(space, Sizes(latent, width, hidden, layers), bias=False)
        self.losses, self.regulariser = LOSSES["wasserstein"], REGULARISERS["gradient_penalty"]
        self.latent, self.weight = latent, penalty
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, beta2))
