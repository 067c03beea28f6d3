"""pix2pix (Isola, Zhu, Zhou & Efros, 2017), arXiv:1611.07004.  A conditional GAN from paired images.

min_G max_D E[log D(s, x)] + E[log(1 − D(s, G(s, z)))] + λ E‖x − G(s, z)‖₁, s the source image and x its target; G
ascends log D instead, and a mean over pixels stands for the norm.  z is dropout, in training and sampling alike.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.games import NON_SATURATING, halved_loss
from genbench.nn.init import normal_weights, zero_biases
from genbench.nn.translation import PatchGAN, as_shown, check_translation, conditions, sources_of
from genbench.nn.unet import translation_unet

SHOWN = 10


class Pix2Pix(GenerativeModel):
    """A U-Net with dropout for noise, and a discriminator of patches that sees source and target together.

    width: feature maps of the U-Net's outermost layer, critic_width: of the discriminator's.  layers: strided
    convolutions of the discriminator, 3 for patches of 70×70 pixels.  noisy: decoder layers with dropout.
    reconstruction: λ.  adversarial_weight: of the game in the generator's loss; 0 trains by the L1 term alone, without
    a discriminator.
    """

    conditional = "source"
    tiny: ClassVar = {"width": 8, "critic_width": 8}

    def __init__(
        self,
        space: Space,
        *,
        width: int = 64,
        dropout: float = 0.5,
        noisy: int = 3,
        critic_width: int = 64,
        layers: int = 3,
        reconstruction: float = 100.0,
        adversarial_weight: float = 1.0,
        lr: float = 2e-4,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        check_translation(space)
        if not space.paired:
            raise ValueError(
                "paired=False: pix2pix learns from pairs; expected a dataset with `paired: true`"
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout: got {dropout}; expected at least 0 and below 1")
        if min(reconstruction, adversarial_weight) < 0 or reconstruction + adversarial_weight == 0:
            raise ValueError(
                f"reconstruction, adversarial_weight: got {reconstruction}, {adversarial_weight}; "
                "expected none below 0 and one above"
            )
        (channels, *sides), inputs = space.shape, space.source[0]
        square = (sides[0], sides[1])
        self.generator = translation_unet(inputs, channels, square, width, dropout, noisy)
        self.discriminator: nn.Module | None = None
        if adversarial_weight:
            self.discriminator = PatchGAN(inputs + channels, square, critic_width, layers, nn.BatchNorm2d)
        self.apply(normal_weights).apply(zero_biases)
        self.reconstruction, self.adversarial_weight = reconstruction, adversarial_weight
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def translate(self, source: Tensor, rng: Generator | None = None) -> Tensor:
        """(n, *source) in [−1, 1] -> (n, *shape) in [−1, 1]."""
        return self.generator(source, rng).tanh()

    def score(self, source: Tensor, x: Tensor) -> Tensor:
        """Images in [−1, 1] -> (n, rows, columns) logits of D(s, x), one for each patch."""
        assert self.discriminator is not None
        return self.discriminator(torch.cat([source, x], 1))

    def discriminator_loss(self, batch: Batch) -> Tensor:
        """Halved, so that D learns more slowly than G (paper, section 3.3)."""
        source, real = sources_of(batch), self.space.signed(batch.x)
        with torch.no_grad():
            fake = self.translate(source)
        return halved_loss(NON_SATURATING, partial(self.score, source), real, fake)

    def generator_loss(self, batch: Batch) -> Tensor:
        """λ‖x − G(s)‖₁ − log D(s, G(s))."""
        source = sources_of(batch)
        fake = self.translate(source)
        loss = self.reconstruction * F.l1_loss(fake, self.space.signed(batch.x))
        if self.discriminator is not None:
            game = NON_SATURATING.real(self.score(source, fake)).mean()
            loss = loss + self.adversarial_weight * game
        return loss

    def phases(self) -> list[Phase]:
        players = [
            Objective("generator", list(self.generator.parameters()), self.generator_loss, self.optimizer)
        ]
        if self.discriminator is not None:
            critic = list(self.discriminator.parameters())
            players.insert(0, Objective("discriminator", critic, self.discriminator_loss, self.optimizer))
        return [Phase("game" if self.discriminator is not None else "regression", tuple(players))]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """condition: (n, *source) in [0, 1], the images to translate.

        Raises:
            ValueError: no source images, or not n of the right shape.
        """
        return self.space.unsigned(self.translate(conditions(condition, n, self.space), rng))

    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        apart = []
        for part in splits.held_out.blocks():
            one, other = (self.sample(len(part.x), part.source, rng=rng) for _ in range(2))
            apart.append((one - other).abs().flatten(1).mean(1))
        meaning = "Mean |difference| between two translations of one held-out image: how much the dropout noise varies."
        return {"Variation": Measure(torch.cat(apart), meaning)}

    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        x, _, source, *_ = splits.held_out.rows(slice(SHOWN))
        assert source is not None
        one, other = (self.sample(len(source), source, rng=rng) for _ in range(2))
        rows = torch.stack([as_shown(source, self.space.shape), one, other, x])
        return {"Held-out sources, two translations of each, and the truth": rows}
