"""InfoGAN (Chen et al., 2016), arXiv:1606.03657.  A GAN whose images tell which code they were made from.

min_{G,Q} max_D V(D, G) − λ L_I(G, Q), where L_I = E[log Q(c|G(z, c))] + H(c) ≤ I(c; G(z, c)), the mutual information.
c is a category and some uniform numbers; the log-likelihood of the one is a cross-entropy, of the others a Gaussian's.
Nothing here looks at labels but `measure`, which asks whether the categories have become the classes.
"""

import math
from functools import partial
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, Space, Splits, at_once
from genbench.nn.games import NON_SATURATING, NonSaturatingGame
from genbench.nn.matching import classes_of_groups
from genbench.nn.priors import CodedPrior
from genbench.nn.recognition import CodePosterior, Recogniser
from genbench.nn.towers import built, check_images, up_tower

# A continuous code is varied beyond the −1 … 1 it was trained on (paper, section 7.2).
TRAVERSED, COLUMNS = (-2.0, 2.0), 9


class InfoGAN(CodedPrior, NonSaturatingGame):
    """The discriminator's objective owns the body and both heads, the generator's the generator; both descend −λ L_I.

    A code of the model is noise, one-hot category and continuous codes side by side.  noise, categories, continuous:
    their numbers.  width: feature maps at full resolution.  hidden: of Q's head.  weight: λ of the category;
    continuous_weight: λ of the rest, less, as their densities are on another scale (paper, section 6).
    dropout: in the body, for small data sets.  generator_lr, lr: the discriminator learns more slowly.
    """

    names: ClassVar = ("discriminator_and_code", "generator")
    discriminator: Recogniser
    tiny: ClassVar = {"width": 8, "hidden": 24}

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
        check_images(space, "InfoGAN's layers are for images; expected images")
        if categories < 2 or continuous < 1:
            raise ValueError(
                f"categories, continuous: got {categories}, {continuous}; expected 2 and 1 or more"
            )
        self.sizes = [noise, categories, continuous]
        self.weight, self.continuous_weight = weight, continuous_weight
        channels, *sides = space.shape
        (up,) = built(up_tower(sum(self.sizes), sides, width))
        self.generator = nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))
        self.discriminator = Recogniser(space, width, hidden, dropout, [categories, continuous, continuous])
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))
        self.generator_optimizer = partial(torch.optim.Adam, lr=generator_lr, betas=(beta1, 0.999))

    def recognise(self, x: Tensor) -> tuple[Tensor, CodePosterior]:
        """(n, *shape) in [0, 1] -> logits of D(x), (n,), and Q(c|x)."""
        found: tuple[Tensor, CodePosterior] = self.discriminator(self.space.signed(x))
        return found

    def score(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n,) logits of D(x)."""
        return self.recognise(x)[0]

    def information_loss(self, z: Tensor, posterior: CodePosterior) -> Tensor:
        """−λ E[log Q(c|x)], of category and numbers with a weight each; H(c) is constant and left out."""
        _, category, c = z.split(self.sizes, 1)
        squares = (c - posterior.mean).square() * (-posterior.log_var).exp()
        numbers = (0.5 * (squares + posterior.log_var)).sum(1).mean()
        return self.weight * F.cross_entropy(posterior.logits, category) + self.continuous_weight * numbers

    def discriminator_loss(self, batch: Batch) -> Tensor:
        z = self.prior(len(batch.x), device=batch.x.device)
        score, posterior = self.recognise(self.decode(z).detach())
        game = (NON_SATURATING.real(self.score(batch.x)) + NON_SATURATING.fake(score)).mean()
        return game + self.information_loss(z, posterior)

    def generator_loss(self, batch: Batch) -> Tensor:
        z = self.prior(len(batch.x), device=batch.x.device)
        score, posterior = self.recognise(self.decode(z))
        return NON_SATURATING.real(score).mean() + self.information_loss(z, posterior)

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1], by way of tanh."""
        return self.space.unsigned(self.generator(z).tanh())

    def codes(self, x: Tensor) -> Tensor:
        """What both heads read, (n, k)."""
        return self.discriminator.body(self.space.signed(x))

    def category_logits(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n, K): of Q."""
        return self.recognise(x)[1].logits

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """Do the categories mean classes, and does Q read them?  Pairs of both are chosen on the training data."""
        z = self.prior(len(splits.held_out.x), rng=rng)
        category = z.split(self.sizes, 1)[1]
        logits = torch.cat([self.category_logits(self.decode(few)) for few in z.split(at_once(self.space))])
        nats = math.log(self.sizes[1]) + (category * logits.log_softmax(1)).sum(1)
        bound = "Nats about the category that Q reads from a generated element: a lower bound of mutual information."
        found = {"information of the category": Measure(nats, bound, "up")}
        label, held_out_label = splits.train.label, splits.held_out.label
        if label is None or held_out_label is None:
            return found
        group, held_out_group = (
            torch.cat([self.category_logits(few.x).argmax(1) for few in part.blocks()])
            for part in (splits.train, splits.held_out)
        )
        meant = classes_of_groups(group, label, self.sizes[1], self.space.classes)
        agrees = meant[held_out_group] == held_out_label
        meaning = "Held-out elements whose inferred category is their class, in the best pairs for the training data."
        return {"category is class": Measure(agrees.float(), meaning, "up")} | found

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """For each continuous code: rows are categories, columns the code from −2 to 2, all else held fixed."""
        z = torch.randn(self.sizes[0], generator=rng, device=rng.device)
        pictures = {}
        for i in range(self.sizes[2]):
            codes = self.traversal(z, i, torch.linspace(*TRAVERSED, COLUMNS))
            caption = f"Rows: categories.  Columns: code {i + 1} from {TRAVERSED[0]:g} to {TRAVERSED[1]:g}."
            pictures[caption] = self.decode(codes.flatten(0, 1)).unflatten(0, codes.shape[:2])
        return pictures
