"""BigGAN (Brock et al., 2019), arXiv:1809.11096.  A class-conditional game of residual networks, hinge losses.

The discriminator minimises E[max(0, 1 − D(x, y))] + E[max(0, 1 + D(G(z, y), y))], the generator
−E[D(G(z, y), y)] + β Σ ‖W Wᵀ ⊙ (1 − I)‖².  Truncation: images of z whose values beyond a threshold are drawn again
are better and more alike, the more so the lower the threshold.
"""

import math
from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor

from genbench.core import Batch, Phase, Space, Splits
from genbench.nn.adversarial_losses import HINGE
from genbench.nn.class_conditional import (
    ClassConditionalGenerator,
    Labelled,
    ProjectionDiscriminator,
    off_diagonal,
    truncated_normal,
)
from genbench.nn.games import WASSERSTEIN, Duel, checked_steps
from genbench.nn.straight_through import on_levels

BATCHES, CODES = 5, 200  # of standing statistics
SHOWN = 4  # faces of a class at each threshold


class BigGAN(Labelled, Duel):
    """Gaussian z, one-hot y.  A code of the model is both, side by side: a walk between codes may change the class.

    Batch norm's statistics at sampling are taken once more when the game is over, from the averaged weights, for z
    without a threshold and for each of `truncations`: activations of another law of z have other ones.
    latent: dimensions of z.  embedding: of the class.  width, critic_width: feature maps at full resolution, twice as
    many at half the side.  strength: of the attention at the start.  orthogonal: β.
    critic_steps: of the discriminator for one of the generator.
    """

    generator: ClassConditionalGenerator
    conditional = "label"
    truncations = (2.0, 1.5, 1.0, 0.5)
    tiny: ClassVar = {"latent": 6, "embedding": 4, "width": 8, "critic_width": 8, "strength": 0.1}

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 120,
        embedding: int = 128,
        width: int = 96,
        critic_width: int = 96,
        strength: float = 0.0,
        orthogonal: float = 1e-4,
        critic_steps: int = 2,
        lr: float = 2e-4,
        generator_lr: float = 5e-5,
        beta1: float = 0.0,
        beta2: float = 0.999,
    ) -> None:
        super().__init__(space)
        if space.kind != "image" or not space.classes:
            raise ValueError(f"got {space.kind}, classes={space.classes}; expected images with labels")
        channels, *sides = space.shape
        self.latent, self.orthogonal, self.critic_steps = latent, orthogonal, checked_steps(critic_steps)
        self.generator = ClassConditionalGenerator(
            channels,
            sides,
            width=width,
            latent=latent,
            classes=space.classes,
            embedding=embedding,
            laws=len(self.truncations),
            strength=strength,
        )
        self.discriminator = ProjectionDiscriminator(
            channels, sides, width=critic_width, classes=space.classes, strength=strength
        )
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, beta2))
        self.generator_optimizer = partial(torch.optim.Adam, lr=generator_lr, betas=(beta1, beta2))

    def generate(self, y: Tensor) -> Tensor:
        """(n, classes) -> (n, *shape) on the data's levels in [−1, 1], from the training's own random state."""
        x = self.images(torch.randn(len(y), self.latent, device=y.device), y)
        return self.space.signed(on_levels(self.space, x))

    def discriminator_loss(self, batch: Batch) -> Tensor:
        y = self.labels_of(batch)
        with torch.no_grad():
            fake = self.generate(y)
        real_loss = HINGE.real(self.discriminator(self.space.signed(batch.x), y))
        return (real_loss + HINGE.fake(self.discriminator(fake, y))).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        y = self.labels_of(batch)
        loss = WASSERSTEIN.real(self.discriminator(self.generate(y), y)).mean()
        return loss + self.orthogonal * off_diagonal(self.generator)

    def standing_statistics(self, splits: Splits) -> None:
        """For each threshold, and at last for none."""
        device = next(self.parameters()).device
        labels = partial(self.any_labels, CODES, device=device)
        for law, threshold in [*enumerate(self.truncations), (None, math.inf)]:
            draw = partial(truncated_normal, CODES, self.latent, threshold, device=device)
            self.generator.take_statistics((draw, labels), BATCHES, law)

    def phases(self) -> list[Phase]:
        return [*super().phases(), Phase("standing statistics", fit=self.standing_statistics)]

    def prior(self, n: int, *, rng: Generator) -> Tensor:
        """(n, latent + classes): z and a label drawn uniformly."""
        z = truncated_normal(n, self.latent, math.inf, rng=rng)
        return torch.cat([z, self.any_labels(n, rng=rng)], 1)

    def images(self, z: Tensor, y: Tensor, law: int | None = None) -> Tensor:
        """(n, k), (n, classes) -> (n, *shape) in [0, 1]."""
        return self.space.unsigned(self.generator(z, y, law).tanh())

    def decode(self, z: Tensor) -> Tensor:
        """(n, latent + classes) -> (n, *shape) in [0, 1]."""
        return self.images(*z.split([self.latent, self.space.classes], 1))

    def truncated(
        self, n: int, truncation: float, condition: Tensor | None = None, *, rng: Generator
    ) -> Tensor:
        """z from N(0, I) given |z| ≤ `truncation`, one of `truncations`, or math.inf."""
        law = None if truncation == math.inf else self.truncations.index(truncation)
        z = truncated_normal(n, self.latent, truncation, rng=rng)
        return self.images(z, self.asked(n, condition, rng=rng), law)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """condition: (n,) labels, or None for labels drawn uniformly."""
        return self.truncated(n, math.inf, condition, rng=rng)

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        return {"x": self.sample(16, rng=rng)}

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Each class from the loosest to the tightest threshold."""
        label = torch.arange(self.space.classes, device=rng.device).repeat_interleave(SHOWN)
        columns = [
            self.truncated(len(label), t, label, rng=rng).unflatten(0, (-1, SHOWN)) for t in self.truncations
        ]
        thresholds = ", ".join(f"{t:g}" for t in self.truncations)
        caption = f"Rows: classes that were asked for.  Columns: {SHOWN} each with |z| below {thresholds}."
        return {caption: torch.cat(columns, 1)}
