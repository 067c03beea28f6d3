"""DCGAN (Radford et al., 2016), arXiv:1511.06434.  The GAN game with convolutions, batch norm and no pooling.

min_G max_D E[log D(x)] + E[log(1 − D(G(z)))]; the generator ascends log D instead.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from genbench.core import Space
from genbench.nn.init import normal_weights
from genbench.nn.priors import GaussianPrior
from genbench.nn.shared_samples import SharedSamples
from genbench.nn.towers import built, down_tower, features, halvings, up_tower


class DCGAN(GaussianPrior, SharedSamples):
    """Gaussian z; transposed convolutions double the side, strided convolutions halve it.

    latent: dimensions of z.  width: feature maps at full resolution, doubled with each halving.
    dropout: in the discriminator, for small data sets.
    """

    discriminator: nn.Sequential
    tiny: ClassVar = {"latent": 6, "width": 8}

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 100,
        width: int = 64,
        dropout: float = 0.0,
        lr: float = 2e-4,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        channels, *sides = space.shape
        if len(set(sides)) != 1:
            raise ValueError(f"shape={space.shape}: DCGAN doubles a square; expected height = width")
        if not halvings(sides):
            raise ValueError(
                f"shape={space.shape}: DCGAN doubles from 4 pixels or more; expected an even side ≥ 8"
            )
        self.latent = latent
        maps, height, side = features(sides, width)
        up, down = built(up_tower(latent, sides, width), down_tower(channels, sides, width, dropout=dropout))
        self.generator = nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))
        self.discriminator = nn.Sequential(
            *down, nn.Flatten(), nn.Dropout(dropout), nn.Linear(maps * height * side, 1)
        )
        self.apply(normal_weights)
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1], by way of tanh."""
        return self.space.unsigned(self.generator(z).tanh())

    def codes(self, x: Tensor) -> Tensor:
        """What the last layer of D reads, (n, k) (paper, section 5.1)."""
        return self.discriminator[:-1](self.space.signed(x))

    def score(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n,) logits of D(x)."""
        return self.discriminator(self.space.signed(x))[:, 0]
