"""Auxiliary classifier GAN (Odena et al., 2017), arXiv:1610.09585.  A conditional GAN whose critic reads the class.

L_S = E[log P(real|x)] + E[log P(generated|G(z, c))] and L_C = E[log P(c|x)] + E[log P(c|G(z, c))]: the discriminator
ascends L_S + L_C, the generator L_C − L_S, with −log D for its part of the game.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, Space, Splits, at_once
from genbench.nn.games import NON_SATURATING, TwoPlayers
from genbench.nn.towers import built, down_tower, features, up_tower


class TwoHeads(nn.Module):
    """One body of convolutions, a logit of D and the logits of the classes."""

    def __init__(self, space: Space, width: int, dropout: float) -> None:
        super().__init__()
        channels, *sides = space.shape
        (body,) = built(down_tower(channels, sides, width, dropout=dropout))
        maps, height, side = features(sides, width)
        self.body = nn.Sequential(*body, nn.Flatten(), nn.Dropout(dropout))
        self.real = nn.Linear(maps * height * side, 1)
        self.classes = nn.Linear(maps * height * side, space.classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, *shape) in [−1, 1] -> logits (n,) of D and (n, classes) of the class."""
        h = self.body(x)
        return self.real(h)[:, 0], self.classes(h)


class ACGAN(TwoPlayers):
    """Gaussian z and a class.  A code of the model is both, side by side: a walk between codes may change the class.

    latent: dimensions of z.  width: feature maps at full resolution, doubled with each halving.
    dropout: in the discriminator, for small data sets.  weight: of L_C.
    """

    conditional = "label"
    discriminator: TwoHeads
    tiny: ClassVar = {"latent": 6, "width": 8}

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 100,
        width: int = 64,
        dropout: float = 0.0,
        weight: float = 1.0,
        lr: float = 2e-4,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        if space.kind != "image" or not space.classes:
            raise ValueError(
                f"kind={space.kind}, classes={space.classes}: AC-GAN's layers are for images, which it tells apart by "
                "class; expected images with labels"
            )
        self.latent, self.weight = latent, weight
        _, *sides = space.shape
        (up,) = built(up_tower(latent + space.classes, sides, width))
        self.generator = nn.Sequential(*up, nn.Conv2d(width, space.shape[0], 3, padding=1))
        self.discriminator = TwoHeads(space, width, dropout)
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def code(self, label: Tensor, rng: Generator | None = None) -> Tensor:
        """(n,) classes -> (n, latent + classes): z and the class, from `rng` or the training's own random state."""
        z = torch.randn(len(label), self.latent, generator=rng, device=label.device)
        return torch.cat([z, F.one_hot(label, self.space.classes).float()], 1)

    def prior(self, n: int, *, rng: Generator) -> Tensor:
        """(n, latent + classes): the class drawn uniformly."""
        return self.code(torch.randint(self.space.classes, (n,), generator=rng, device=rng.device), rng)

    def decode(self, z: Tensor) -> Tensor:
        """(n, latent + classes) -> (n, *shape) in [0, 1], by way of tanh."""
        return self.space.unsigned(self.generator(z).tanh())

    def recognise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, *shape) in [0, 1] -> logits (n,) of D and (n, classes) of the class."""
        found: tuple[Tensor, Tensor] = self.discriminator(self.space.signed(x))
        return found

    def generate(self, batch: Batch) -> Tensor:
        """One for each label of the batch."""
        return self.decode(self.code(labels_of(batch)))

    def discriminate(self, x: Tensor, batch: Batch) -> Tensor:
        return self.recognise(x)[0]

    def discriminator_loss(self, batch: Batch) -> Tensor:
        """−L_S − L_C, as means over elements."""
        label, fake = labels_of(batch), self.generate(batch).detach()
        (real_score, real_class), (score, fake_class) = self.recognise(batch.x), self.recognise(fake)
        game = NON_SATURATING.real(real_score).mean() + NON_SATURATING.fake(score).mean()
        return game + self.weight * (F.cross_entropy(real_class, label) + F.cross_entropy(fake_class, label))

    def generator_loss(self, batch: Batch) -> Tensor:
        """−log D of what is generated, and −log P of the class that was asked for."""
        score, classes = self.recognise(self.generate(batch))
        return NON_SATURATING.real(score).mean() + self.weight * F.cross_entropy(classes, labels_of(batch))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """condition: (n,) labels, or None for labels drawn uniformly."""
        if condition is None:
            return self.decode(self.prior(n, rng=rng))
        return self.decode(self.code(condition.long(), rng))

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """Does the auxiliary classifier read classes, of the data and of what it is shown by the generator?"""
        held_out = splits.held_out.some()
        right = torch.cat([self.classified(few) for few in held_out.blocks()])
        found = {
            "class read, held-out": Measure(
                right, "Held-out elements whose class D's classifier reads.", "up"
            )
        }
        label = torch.randint(self.space.classes, (len(held_out.x),), generator=rng, device=rng.device)
        parts = label.split(at_once(self.space))
        read = torch.cat([self.classified(Batch(self.decode(self.code(few, rng)), few)) for few in parts])
        meaning = "Generated elements in which D's classifier reads the class that was asked for."
        return found | {"class read, generated": Measure(read, meaning, "up")}

    def classified(self, batch: Batch) -> Tensor:
        """1 where the class is read rightly, (n,)."""
        return (self.recognise(batch.x)[1].argmax(1) == labels_of(batch)).float()


def labels_of(batch: Batch) -> Tensor:
    """The batch's labels, (n,)."""
    if batch.label is None:
        raise ValueError("label: None; AC-GAN expects a label for each element")
    return batch.label
