"""GAN (Goodfellow et al., 2014), arXiv:1406.2661.  min_G max_D E[log D(x)] + E[log(1 − D(G(z)))]."""

from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from genbench.core import Space
from genbench.nn.games import NonSaturatingGame
from genbench.nn.mlp import Maxout, mlp
from genbench.nn.priors import UniformPrior


class GAN(UniformPrior, NonSaturatingGame):
    """Uniform z, a rectifier generator with sigmoid outputs, a maxout discriminator with dropout.

    latent: dimensions of z.  hidden: the generator's two layers.  units, pieces: the discriminator's two layers.
    """

    discriminator: nn.Sequential
    tiny: ClassVar = {"latent": 6, "hidden": 24, "units": 16, "pieces": 2}

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 100,
        hidden: int = 1200,
        units: int = 240,
        pieces: int = 5,
        dropout: float = 0.5,
        lr: float = 2e-4,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        self.latent = latent
        d = space.dimensions
        self.generator = mlp([latent, hidden, hidden, d])
        self.discriminator = nn.Sequential(
            nn.Dropout(dropout / 2.5),  # inputs are dropped less than hidden units, .2 to .5
            Maxout(d, units, pieces),
            nn.Dropout(dropout),
            Maxout(units, units, pieces),
            nn.Dropout(dropout),
            nn.Linear(units, 1),
        )
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1]."""
        return self.generator(z).sigmoid().unflatten(1, self.space.shape)

    def codes(self, x: Tensor) -> Tensor:
        """What the last layer of D reads, (n, units)."""
        return self.discriminator[:-1](self.space.signed(x.flatten(1)))

    def score(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n,) logits of D(x)."""
        return self.discriminator(self.space.signed(x.flatten(1)))[:, 0]
