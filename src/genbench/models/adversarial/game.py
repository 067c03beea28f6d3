"""One adversarial game, many systems: a loss, a regulariser and two networks, each chosen by itself.

The critic minimises L_f(f(x), f(G(z))) + λ R(f), the generator L_G(f(G(z))).  Known under names of their own are

- least squares: LSGAN (Mao et al., 2017), arXiv:1611.04076;
- non-saturating with the penalty around the data: DRAGAN (Kodali et al., 2017), arXiv:1705.07215;
- hinge with spectral norm and residual networks: SNGAN (Miyato et al., 2018), arXiv:1802.05957;
- relativistic: RSGAN (Jolicoeur-Martineau, 2019), arXiv:1807.00734;
- non-saturating with R1 (Mescheder et al., 2018), arXiv:1801.04406;
- minimax: the game of GAN as it is written (Goodfellow et al., 2014), arXiv:1406.2661.

Which loss and which regulariser do what on the same data is the question of Lučić et al., 2018, arXiv:1711.10337.
"""

from functools import partial
from typing import ClassVar, Literal

import torch

from genbench.core import Space
from genbench.nn.adversarial_losses import LOSSES
from genbench.nn.adversaries import NETWORKS, Sizes, perceptrons
from genbench.nn.composed_games import ComposedGame
from genbench.nn.games import checked_steps
from genbench.nn.regularisers import REGULARISERS


class Game(ComposedGame):
    """loss, regulariser: `genbench.nn.adversarial_losses`, `genbench.nn.regularisers`.

    network: `genbench.nn.adversaries`; flat elements, of shape (d,), have perceptrons in any case.  Batch norm in the
    critic only without a regulariser, and no bias in its last layer where only differences of scores count.
    latent, width, hidden, layers, dropout: sizes.  weight: λ, or R1's γ.  clip: c of weight clipping.
    """

    tiny: ClassVar = {"latent": 6, "width": 8, "hidden": 24}

    def __init__(
        self,
        space: Space,
        *,
        loss: Literal[
            "minimax", "non_saturating", "least_squares", "hinge", "wasserstein", "relativistic"
        ] = "non_saturating",
        regulariser: Literal[
            "none", "weight_clipping", "gradient_penalty", "r1", "dragan", "spectral_norm"
        ] = "none",
        network: Literal["perceptrons", "dcgan", "residual"] = "dcgan",
        latent: int = 128,
        width: int = 64,
        hidden: int = 512,
        layers: int = 3,
        dropout: float = 0.0,
        weight: float = 10.0,
        clip: float = 0.01,
        critic_steps: int = 1,
        lr: float = 2e-4,
        beta1: float = 0.5,
        beta2: float = 0.999,
    ) -> None:
        super().__init__(space)
        self.critic_steps = checked_steps(critic_steps)
        self.losses, self.regulariser = LOSSES[loss], REGULARISERS[regulariser]
        build = NETWORKS[network] if space.kind == "image" else perceptrons
        sizes = Sizes(latent, width, hidden, layers, dropout)
        norm, bias = self.regulariser.batch_norm, not self.losses.invariant
        self.generator, critic = build(space, sizes, bias=bias, norm=norm)
        self.critic = self.regulariser.constrain(critic)
        self.latent, self.weight, self.clip = latent, weight, clip
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, beta2))
