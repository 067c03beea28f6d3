"""DCGAN (Radford et al., 2016), arXiv:1511.06434.  The GAN game with convolutions, batch norm and no pooling."""

from functools import partial

import torch
from torch import Tensor, nn

from genbench.core import Space
from genbench.nn.convolutions import doubled, halvings, unfolded
from genbench.nn.game import GaussianCodes, NonSaturatingGame


class DCGAN(GaussianCodes, NonSaturatingGame):
    """Gaussian z; transposed convolutions double the side, strided convolutions halve it.

    latent: dimensions of z.  width: feature maps at full resolution, doubled with each halving.
    dropout: in the discriminator, for small data sets.
    """

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
        channels, height, side = space.shape
        if height != side:
            raise ValueError(f"shape={space.shape}: DCGAN doubles a square; expected height = width")
        self.latent = latent
        (start,), times = halvings(side)
        if not times:
            raise ValueError(
                f"shape={space.shape}: DCGAN doubles from 4 pixels or more; expected an even side ≥ 8"
            )
        top = width * 2**times
        up = unfolded(latent, top, start, start)
        down: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(0.2)]
        for k in range(times):
            up += doubled(top // 2**k)
            narrow = width * 2**k
            down += [
                nn.Dropout2d(dropout),
                nn.Conv2d(narrow, 2 * narrow, 4, 2, 1, bias=False),
                nn.BatchNorm2d(2 * narrow),
                nn.LeakyReLU(0.2),
            ]
        self.generator = nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))
        self.discriminator = nn.Sequential(
            *down, nn.Flatten(), nn.Dropout(dropout), nn.Linear(top * start * start, 1)
        )
        self.apply(self.initialise)
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    @staticmethod
    def initialise(module: nn.Module) -> None:
        """N(0, .02) weights, batch-norm scales around 1 (paper, section 4)."""
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1], by way of tanh."""
        return (self.generator(z).tanh() + 1) / 2

    def score(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n,) logits of D(x)."""
        return self.discriminator(2 * x - 1)[:, 0]
