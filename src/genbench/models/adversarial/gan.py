"""GAN (Goodfellow et al., 2014), arXiv:1406.2661.  min_G max_D E[log D(x)] + E[log(1 − D(G(z)))]."""

from functools import partial

import torch
from torch import Generator, Tensor, nn

from genbench.core import Space
from genbench.nn.game import NonSaturatingGame
from genbench.nn.layers import Maxout


class GAN(NonSaturatingGame):
    """Uniform z, a rectifier generator with sigmoid outputs, a maxout discriminator with dropout.

    latent: dimensions of z.  hidden: the generator's two layers.  units, pieces: the discriminator's two layers.
    """

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
        self.generator = nn.Sequential(
            nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, d)
        )
        self.discriminator = nn.Sequential(
            nn.Dropout(dropout / 2.5),  # inputs are dropped less than hidden units, .2 to .5
            Maxout(d, units, pieces),
            nn.Dropout(dropout),
            Maxout(units, units, pieces),
            nn.Dropout(dropout),
            nn.Linear(units, 1),
        )
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def prior(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Tensor:
        device = rng.device if rng is not None else device
        return 2 * torch.rand(n, self.latent, generator=rng, device=device) - 1

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1]."""
        return self.generator(z).sigmoid().unflatten(1, self.space.shape)

    def score(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n,) logits of D(x)."""
        return self.discriminator(2 * x.flatten(1) - 1)[:, 0]
