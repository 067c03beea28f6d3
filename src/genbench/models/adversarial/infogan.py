"""InfoGAN (Chen et al., 2016), arXiv:1606.03657.  A GAN whose images tell which code they were made from.

min_{G,Q} max_D V(D, G) − λ L_I(G, Q), where L_I = E[log Q(c|G(z, c))] + H(c) ≤ I(c; G(z, c)), the mutual information.
c is a category and some uniform numbers; the log-likelihood of the one is a cross-entropy, of the others a Gaussian's.
Nothing here looks at labels but `measure`, which asks whether the categories have become the classes.
"""

import math
from functools import partial
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, Phase, Space, Splits, at_once
from genbench.nn.convolutions import doubled, halvings, unfolded
from genbench.nn.game import NonSaturatingGame
from genbench.nn.matching import classes_of_groups

TRAVERSED = (
    -2.0,
    2.0,
)  # a continuous code is varied beyond the −1 … 1 it was trained on (paper, section 7.2)
COLUMNS = 9


class Guess(NamedTuple):
    """Q(c|x): logits of the categories (n, K); means and log variances of the continuous codes, (n, k) each."""

    logits: Tensor
    mean: Tensor
    log_var: Tensor


class Witness(nn.Module):
    """D and Q on one body of convolutions: D's head is a linear layer, Q's has a hidden one."""

    def __init__(self, space: Space, width: int, hidden: int, dropout: float, codes: list[int]) -> None:
        super().__init__()
        channels, *sides = space.shape
        (height, side), times = halvings(*sides)
        body: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(0.1)]
        for k in range(times):
            maps = 2 * width * 2**k
            body += [nn.Dropout2d(dropout), nn.Conv2d(maps // 2, maps, 4, 2, 1, bias=False)]
            body += [nn.BatchNorm2d(maps), nn.LeakyReLU(0.1)]
        self.body = nn.Sequential(*body, nn.Flatten(), nn.Dropout(dropout))
        features = width * 2**times * height * side
        self.real = nn.Linear(features, 1)
        units = [nn.Linear(features, hidden, bias=False), nn.BatchNorm1d(hidden), nn.LeakyReLU(0.1)]
        self.code = nn.Sequential(*units, nn.Linear(hidden, sum(codes)))
        self.codes = codes

    def forward(self, x: Tensor) -> tuple[Tensor, Guess]:
        """(n, *shape) in [−1, 1] -> logits of D(x), (n,), and Q(c|x)."""
        h = self.body(x)
        logits, mean, log_var = self.code(h).split(self.codes, 1)
        return self.real(h)[:, 0], Guess(logits, mean, log_var.clamp(-4, 4))


class InfoGAN(NonSaturatingGame):
    """The discriminator's objective owns the body and both heads, the generator's the generator; both descend −λ L_I.

    A code of the model is noise, one-hot category and continuous codes side by side.  noise, categories, continuous:
    their numbers.  width: feature maps at full resolution.  hidden: of Q's head.  weight: λ of the category;
    continuous_weight: λ of the rest, less, as their densities are on another scale (paper, section 6).
    dropout: in the body, for small data sets.  generator_lr, lr: the discriminator learns more slowly.
    """

    discriminator: Witness

    def __init__(
        self,
        space: Space,
        *,
        noise: int = 62,
        categories: int = 10,
        continuous: int = 2,
        width: int = 64,
        hidden: int = 128,
        dropout: float = 0.0,
        weight: float = 1.0,
        continuous_weight: float = 0.1,
        generator_lr: float = 1e-3,
        lr: float = 2e-4,
        beta1: float = 0.5,
    ) -> None:
        super().__init__(space)
        if len(space.shape) != 3:
            raise ValueError(
                f"shape={space.shape}: InfoGAN's layers are convolutions; expected images (c, h, w)"
            )
        if categories < 2 or continuous < 1:
            raise ValueError(
                f"categories, continuous: got {categories}, {continuous}; expected 2 and 1 or more"
            )
        self.sizes = [noise, categories, continuous]
        self.weight, self.continuous_weight = weight, continuous_weight
        channels, *sides = space.shape
        (height, side), times = halvings(*sides)
        up = unfolded(sum(self.sizes), width * 2**times, height, side)
        for k in reversed(range(times)):
            up += doubled(2 * width * 2**k)
        self.generator = nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))
        self.discriminator = Witness(space, width, hidden, dropout, [categories, continuous, continuous])
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))
        self.generator_optimizer = partial(torch.optim.Adam, lr=generator_lr, betas=(beta1, 0.999))

    def prior(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Tensor:
        """(n, noise + categories + continuous): Gaussian, one-hot, and uniform on [−1, 1]."""
        device = rng.device if rng is not None else device
        noise, categories, continuous = self.sizes
        z = torch.randn(n, noise, generator=rng, device=device)
        category = torch.randint(categories, (n,), generator=rng, device=device)
        c = 2 * torch.rand(n, continuous, generator=rng, device=device) - 1
        return torch.cat([z, F.one_hot(category, categories), c], 1)

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1], by way of tanh."""
        return (self.generator(z).tanh() + 1) / 2

    def score(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n,) logits of D(x)."""
        return self.witness(x)[0]

    def witness(self, x: Tensor) -> tuple[Tensor, Guess]:
        """(n, *shape) in [0, 1] -> logits of D(x), (n,), and Q(c|x)."""
        found: tuple[Tensor, Guess] = self.discriminator(2 * x - 1)
        return found

    def surprise(self, z: Tensor, guess: Guess) -> Tensor:
        """−λ E[log Q(c|x)], of category and numbers with a weight each; H(c) is constant and left out."""
        _, category, c = z.split(self.sizes, 1)
        spread = 0.5 * ((c - guess.mean).square() * (-guess.log_var).exp() + guess.log_var)
        numbers = spread.sum(1).mean()
        return self.weight * F.cross_entropy(guess.logits, category) + self.continuous_weight * numbers

    def discriminator_loss(self, batch: Batch) -> Tensor:
        z = self.prior(len(batch.x), device=batch.x.device)
        score, guess = self.witness(self.decode(z).detach())
        return (F.softplus(-self.score(batch.x)) + F.softplus(score)).mean() + self.surprise(z, guess)

    def generator_loss(self, batch: Batch) -> Tensor:
        z = self.prior(len(batch.x), device=batch.x.device)
        score, guess = self.witness(self.decode(z))
        return F.softplus(-score).mean() + self.surprise(z, guess)

    def phases(self) -> list[Phase]:
        critic, forger = super().phases()[0].objectives
        forger = forger._replace(optimizer=self.generator_optimizer)
        return [Phase("game", (critic._replace(name="discriminator_and_code"), forger))]

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """Do the categories mean classes, and does Q read them?  Pairs of both are chosen on the training data."""
        z = self.prior(len(splits.held_out.x), rng=rng)
        category = z.split(self.sizes, 1)[1]
        logits = torch.cat([self.witness(self.decode(few))[1].logits for few in z.split(at_once(self.space))])
        nats = math.log(self.sizes[1]) + (category * logits.log_softmax(1)).sum(1)
        bound = "Nats about the category that Q reads from a generated element: a lower bound of mutual information."
        found = {"information of the category": Measure(nats, bound, "up")}
        if splits.train.label is None or splits.held_out.label is None:
            return found
        group, held_out = (
            torch.cat([self.witness(few.x)[1].logits.argmax(1) for few in part.blocks()])
            for part in (splits.train, splits.held_out)
        )
        meant = classes_of_groups(group, splits.train.label, self.sizes[1], self.space.classes)
        agrees = (meant[held_out] == splits.held_out.label).float()
        meaning = "Held-out elements whose inferred category is their class, in the best pairs for the training data."
        return {"category is class": Measure(agrees, meaning, "up")} | found

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """For each continuous code: rows are categories, columns the code from −2 to 2, all else held fixed."""
        noise, categories, continuous = self.sizes
        z = torch.randn(noise, generator=rng, device=rng.device).expand(categories, COLUMNS, -1)
        rows = torch.eye(categories, device=z.device)[:, None].expand(-1, COLUMNS, -1)
        pictures = {}
        for i in range(continuous):
            c = torch.zeros(categories, COLUMNS, continuous, device=z.device)
            c[:, :, i] = torch.linspace(*TRAVERSED, COLUMNS)
            codes = torch.cat([z, rows, c], 2).flatten(0, 1)
            caption = f"Rows: categories.  Columns: code {i + 1} from {TRAVERSED[0]:g} to {TRAVERSED[1]:g}."
            pictures[caption] = self.decode(codes).unflatten(0, (categories, COLUMNS))
        return pictures
