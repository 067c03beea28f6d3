"""CoGAN (Liu & Tuzel, 2016), arXiv:1606.07536.  Two GANs that share layers learn pairs from two domains without pairs.

min_{G₁,G₂} max_{D₁,D₂} Σ_k E[log D_k(x_k)] + E[log(1 − D_k(G_k(z)))], one z for both, where the generators have their
first layers in common, which decide what is seen, and the discriminators their last; the generators ascend log D_k
instead.  No pair is ever shown: x₁ and x₂ of a batch are images of their domains, drawn apart.
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from genbench.core import Batch, Space, Splits
from genbench.nn.coupled import NETWORKS, SharedEnd, SharedStart
from genbench.nn.games import NON_SATURATING, Duel, snapshot
from genbench.nn.init import normal_weights
from genbench.nn.priors import GaussianPrior
from genbench.nn.translation import as_shown, check_translation, sources_of

SHOWN = 12


class CoGAN(GaussianPrior, Duel):
    """Samples are x₁, of the targets' domain; `joint` gives both.  z is Gaussian.

    shared: layers that the generators have in common, the first ones.  discriminator_shared: of the discriminators, the
    last ones.  0 and 0: two GANs that have but the code in common, the control.
    latent: dimensions of z.  width: units of perceptrons, or feature maps at full sides.  maps: feature maps before the
    last convolution of a generator of perceptrons; the fewer, the closer the two images are tied.
    kernel: side of the targets' last convolution, 3 of the sources'; 1 ties a target to its maps pixel by pixel.
    dropout: in the discriminators, for small data sets.  gain: multiplies what the tanh of the sources is given, so
    that few steps reach images of two levels; targets have none, as their greys are to stay in proportion to the maps.
    """

    tiny: ClassVar = {"latent": 6, "width": 8, "shared": 2, "discriminator_shared": 1}

    def __init__(
        self,
        space: Space,
        *,
        network: Literal["convolutions", "perceptrons"] = "convolutions",
        shared: int = 2,
        discriminator_shared: int = 1,
        latent: int = 100,
        width: int = 64,
        maps: int = 12,
        dropout: float = 0.0,
        gain: float = 1.0,
        kernel: int = 3,
        lr: float = 2e-4,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        check_translation(space)
        if space.paired:
            raise ValueError(
                "paired: true; CoGAN learns from two domains without pairs, expected paired: false"
            )
        if kernel < 1 or not kernel % 2 or gain <= 0:
            raise ValueError(f"kernel={kernel}, gain={gain}: expected an odd side, and more than 0")
        towers = [
            NETWORKS[network](shape, latent, width, maps, dropout, side)
            for shape, side in ((space.shape, kernel), (space.source, 3))
        ]
        (up_one, down_one), (up_other, down_other) = towers
        for option, value, layers in (
            ("shared", shared, len(up_one)),
            ("discriminator_shared", discriminator_shared, len(down_one)),
        ):
            if not 0 <= value < layers:
                raise ValueError(f"{option}: got {value}; expected 0 to {layers - 1} of {layers} layers")
        self.latent, self.gain = latent, gain
        self.generator = SharedStart((up_one, up_other), shared)
        self.discriminator = SharedEnd((down_one, down_other), discriminator_shared)
        if network == "convolutions":
            self.apply(normal_weights)
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def pair(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """(n, k) -> (n, *shape) and (n, *source) in [−1, 1]."""
        one, other = self.generator(z)
        return one.tanh(), (self.gain * other).tanh()

    def games(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """−log D_k(x_k) − log(1 − D_k(G_k(z))) of either domain."""
        with torch.no_grad():
            fake = self.pair(self.prior(len(batch.x), device=batch.x.device))
        both = zip((self.space.signed(batch.x), sources_of(batch)), fake, strict=True)
        one, other = (
            (NON_SATURATING.real(real) + NON_SATURATING.fake(made)).mean()
            for real, made in (score.chunk(2) for score in self.discriminator(*map(torch.cat, both)))
        )
        return one, other

    def discriminator_loss(self, batch: Batch) -> Tensor:
        one, other = self.games(batch)
        return one + other

    def generator_losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """−log D_k(G_k(z)) of either domain."""
        one, other = self.discriminator(*self.pair(self.prior(len(batch.x), device=batch.x.device)))
        return NON_SATURATING.real(one).mean(), NON_SATURATING.real(other).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        one, other = self.generator_losses(batch)
        return one + other

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1]: x₁."""
        return self.space.unsigned(self.pair(z)[0])

    def joint(self, n: int, *, rng: Generator) -> tuple[Tensor, Tensor]:
        """(n, *shape) and (n, *source) in [0, 1]; row i of both: one code."""
        one, other = self.pair(self.prior(n, rng=rng))
        return self.space.unsigned(one), self.space.unsigned(other)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        return snapshot(self.space, self.sample, rng=rng)

    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        rows = [as_shown(images, self.space.shape) for images in self.joint(SHOWN, rng=rng)]
        return {"Pairs: each column is one code, above the target, below the source": torch.stack(rows)}
