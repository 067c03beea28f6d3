"""Context autoencoder (Pathak et al., 2016), arXiv:1604.07379.  What lies in a hole, from what lies around it.

L = λ_rec ‖M ⊙ (x − F((1 − M) ⊙ x))‖² + λ_adv L_adv with λ_rec = .999, λ_adv = .001 (paper, eq. 1 to 3), M the central
half of both sides: the loss is on the hole alone, and the discriminator sees nothing else.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from genbench.capabilities import Measure
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.games import NON_SATURATING
from genbench.nn.holes import hole_measures, middle, plain_fills
from genbench.nn.priors import GaussianMixture
from genbench.nn.schedules import cosine
from genbench.nn.towers import built, check_images, down_tower, features, up_tower

SHOWN = 12  # held-out images in a picture


class Context(GenerativeModel):
    """Strided convolutions to a code, transposed ones to the hole; images only.

    It is no model of whole images: samples have borders from a Gaussian mixture of `components`, fitted to those of the
    training data, and in the hole what F says of them.  ridge: what is added to the mixture's variances, as a share of
    their mean.  latent: units of the code.  width: maps at full resolution.  dropout: before the code.
    """

    tiny: ClassVar = {"latent": 12, "width": 8, "components": 3}
    mask: Tensor  # True in the hole, (c, h, w)
    mean: Tensor  # of the pixels, (c, h, w): what F sees in the hole

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 100,
        width: int = 64,
        dropout: float = 0.0,
        adversarial: float = 0.001,
        components: int = 10,
        ridge: float = 0.01,
        lr: float = 2e-4,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space)
        check_images(space, "the hole is in the middle of an image")
        if not 0 <= adversarial < 1:
            raise ValueError(f"adversarial: got {adversarial}; expected a share of the loss, 0 to below 1")
        self.adversarial, self.ridge, self.lr, self.weight_decay = adversarial, ridge, lr, weight_decay
        channels, *sides = space.shape
        self.hole = middle(sides)
        inner = [side // 2 for side in sides]
        (down,) = built(down_tower(channels, sides, width, norm=False))
        (up,) = built(up_tower(latent, inner, width, norm=False))
        (judge,) = built(down_tower(channels, inner, width, norm=False))
        maps, height, side = features(sides, width)
        code = [nn.Flatten(), nn.Dropout(dropout), nn.Linear(maps * height * side, latent), nn.SiLU()]
        self.layers = len(down) + len(code)  # to the code
        self.generator = nn.Sequential(*down, *code, *up, nn.Conv2d(width, channels, 3, padding=1))
        maps, height, side = features(inner, width)
        self.discriminator = nn.Sequential(*judge, nn.Flatten(), nn.Linear(maps * height * side, 1))
        mask = torch.zeros(space.shape, dtype=torch.bool)
        mask[:, *self.hole] = True
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("mean", torch.zeros(space.shape))
        self.borders = GaussianMixture(components, int((~mask).sum()))

    def fill(self, x: Tensor) -> Tensor:
        """F: what lies in the hole of (n, *shape), which it does not look at: (n, c, h/2, w/2) in [0, 1]."""
        return self.generator(self.space.signed(torch.where(self.mask, self.mean, x))).sigmoid()

    def codes(self, x: Tensor) -> Tensor:
        """What F makes of an image with a hole, (n, latent)."""
        seen = torch.where(self.mask, self.mean, x)
        return self.generator[: self.layers](self.space.signed(seen))

    def filled(self, x: Tensor, content: Tensor) -> Tensor:
        """Images (n, *shape) with other content in the hole."""
        whole = x.clone()
        whole[:, :, *self.hole] = content
        return whole

    def judge(self, content: Tensor) -> Tensor:
        """(n, c, h/2, w/2) -> (n,) logits of D."""
        return self.discriminator(self.space.signed(content))[:, 0]

    def generator_loss(self, batch: Batch) -> Tensor:
        """Squared error of a value in the hole, and −log D of it."""
        content = self.fill(batch.x)
        error = (content - batch.x[:, :, *self.hole]).square().mean()
        if not self.adversarial:
            return error
        fooled = NON_SATURATING.real(self.judge(content)).mean()
        return (1 - self.adversarial) * error + self.adversarial * fooled

    def discriminator_loss(self, batch: Batch) -> Tensor:
        """−log D(hole) − log(1 − D(F))."""
        real, fake = self.judge(batch.x[:, :, *self.hole]), self.judge(self.fill(batch.x).detach())
        return (NON_SATURATING.real(real) + NON_SATURATING.fake(fake)).mean()

    @torch.no_grad()
    def start(self, splits: Splits) -> None:
        self.mean.copy_(splits.train.some().x.mean(0))

    @torch.no_grad()
    def fit_borders(self, splits: Splits) -> None:
        self.borders.fit(splits.train.some().x[:, ~self.mask], ridge=self.ridge)

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, betas=(0.5, 0.999), weight_decay=self.weight_decay)
        own, other = list(self.generator.parameters()), list(self.discriminator.parameters())
        players = (
            Objective("discriminator", other, self.discriminator_loss, adam, schedule=cosine),
            Objective("generator", own, self.generator_loss, adam, schedule=cosine),
        )
        first, last = Phase("mean", fit=self.start), Phase("borders", fit=self.fit_borders)
        return [first, Phase("game", players), last]

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        x = torch.zeros(n, *self.space.shape, device=rng.device)
        x[:, ~self.mask] = self.borders.sample(n, rng=rng).clamp(0, 1)
        return self.filled(x, self.fill(x))

    def fills(self, splits: Splits, x: Tensor) -> dict[str, Tensor]:
        """Images (n, *shape) whose hole is filled by F, by the mean, and by ridge regression from the border."""
        contents = {"network": self.fill(x), **plain_fills(splits.train.some().x, x, self.mask, self.hole)}
        return {name: self.filled(x, content) for name, content in contents.items()}

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """The error in the hole of held-out images, and whether the filled image keeps its class."""
        train, held_out = splits.train.some(), splits.held_out.some()
        return hole_measures(train, held_out, self.fills(splits, held_out.x), self.mask)

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Rows: held-out images, what is shown of them, and three fills."""
        x = splits.held_out.x[:SHOWN]
        shown = torch.where(self.mask, torch.zeros_like(x), x)
        rows = [x, shown, *self.fills(splits, x).values()]
        caption = "Held-out, with a hole, filled by the network, by the mean, by ridge regression"
        return {caption: torch.stack(rows)}
