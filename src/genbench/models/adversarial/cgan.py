"""Conditional GAN (Mirza & Osindero, 2014), arXiv:1411.1784.  The GAN game in which both players know the label.

min_G max_D E[log D(x|y)] + E[log(1 − D(G(z|y)|y))], y the labels of the batch; the generator ascends log D instead.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, Space
from genbench.nn.games import TwoPlayers
from genbench.nn.mlp import Maxout, hidden_layers, mlp
from genbench.nn.priors import uniform


class ConditionalGenerator(nn.Module):
    """z and y each through a layer of rectifiers of their own, then both through a joint one."""

    def __init__(self, latent: int, classes: int, z_units: int, y_units: int, hidden: int, d: int) -> None:
        super().__init__()
        self.z = hidden_layers([latent, z_units])
        self.y = hidden_layers([classes, y_units])
        self.joint = mlp([z_units + y_units, hidden, d])

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """(n, k) and (n, classes) -> (n, D) logits of pixels."""
        return self.joint(torch.cat([self.z(z), self.y(y)], 1))


class ConditionalDiscriminator(nn.Module):
    """x and y each through a maxout layer of their own, then both through a joint one."""

    def __init__(
        self, d: int, classes: int, units: int, y_units: int, joint_units: int, pieces: int, dropout: float
    ) -> None:
        super().__init__()
        self.x = nn.Sequential(nn.Dropout(dropout / 2.5), Maxout(d, units, pieces))  # as in adversarial/gan
        self.y = Maxout(classes, y_units, pieces)
        self.joint = nn.Sequential(
            nn.Dropout(dropout),
            Maxout(units + y_units, joint_units, pieces),
            nn.Dropout(dropout),
            nn.Linear(joint_units, 1),
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(n, D) in [−1, 1] and (n, classes) -> (n,) logits."""
        return self.joint(torch.cat([self.x(x), self.y(y)], 1))[:, 0]


class CGAN(TwoPlayers):
    """Uniform z, one-hot y.  A code of the model is both, side by side: a walk between codes may change the class.

    latent: dimensions of z.  z_units, y_units, hidden: the generator's layers.  units, label_units, joint_units,
    pieces: the discriminator's maxout layers (the paper's joint layer has one piece less).
    """

    conditional = "label"
    tiny: ClassVar = {"latent": 6, "hidden": 24, "units": 16, "pieces": 2}

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 100,
        z_units: int = 200,
        y_units: int = 1000,
        hidden: int = 1200,
        units: int = 240,
        label_units: int = 50,
        joint_units: int = 240,
        pieces: int = 5,
        dropout: float = 0.5,
        lr: float = 2e-4,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        if not space.classes:
            raise ValueError(
                "classes=0: a conditional GAN learns from labels; expected a dataset with labels"
            )
        self.latent = latent
        d, classes = space.dimensions, space.classes
        self.generator = ConditionalGenerator(latent, classes, z_units, y_units, hidden, d)
        self.discriminator = ConditionalDiscriminator(
            d, classes, units, label_units, joint_units, pieces, dropout
        )
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def one_hot(self, labels: Tensor) -> Tensor:
        """(n,) -> (n, classes)."""
        return F.one_hot(labels, self.space.classes).float()

    def prior(self, n: int, *, rng: Generator) -> Tensor:
        """(n, latent + classes): z and a label drawn uniformly."""
        labels = torch.randint(self.space.classes, (n,), generator=rng, device=rng.device)
        return torch.cat([uniform(n, self.latent, rng=rng), self.one_hot(labels)], 1)

    def decode(self, z: Tensor) -> Tensor:
        """(n, latent + classes) -> (n, *shape) in [0, 1]."""
        noise, label = z.split([self.latent, self.space.classes], 1)
        return self.generator(noise, label).sigmoid().unflatten(1, self.space.shape)

    def labels_of(self, batch: Batch) -> Tensor:
        """The batch's labels, (n, classes)."""
        if batch.label is None:
            raise ValueError("label: None; a conditional GAN expects a label for each element")
        return self.one_hot(batch.label)

    def generate(self, batch: Batch) -> Tensor:
        """G(z|y) for each label y of the batch."""
        y = self.labels_of(batch)
        return self.decode(torch.cat([uniform(len(y), self.latent, rng=None, device=y.device), y], 1))

    def discriminate(self, x: Tensor, batch: Batch) -> Tensor:
        """Logits of D(x|y), y the batch's labels."""
        return self.discriminator(self.space.signed(x.flatten(1)), self.labels_of(batch))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """condition: (n,) labels, or None for labels drawn uniformly.

        Raises:
            ValueError: labels that are not n integers from 0 to classes − 1.
        """
        z = self.prior(n, rng=rng)
        if condition is None:
            return self.decode(z)
        classes = self.space.classes
        if condition.shape != (n,) or not bool(((condition >= 0) & (condition < classes)).all()):
            raise ValueError(f"condition: expected {n} labels from 0 to {classes - 1}, shape ({n},)")
        return self.decode(torch.cat([z[:, : self.latent], self.one_hot(condition.long())], 1))
