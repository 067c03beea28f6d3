"""Improved GAN (Salimans et al., 2016), arXiv:1606.03498.  Five techniques for the GAN game, alone or together.

feature_matching          the generator minimises ‖E f(x) − E f(G(z))‖², f what the discriminator's last layer reads
minibatch_discrimination  the discriminator also reads o(x_i) = Σ_{j≠i} exp(−‖M_i − M_j‖₁) over its batch
historical_averaging      each player also pays ‖θ − 1/t Σ_{i≤t} θ[i]‖²
label_smoothing           the discriminator should answer .9 on data, and 0 on generated elements as before
virtual_batch_norm        the generator's batch norm takes its statistics from a reference batch

Without any it is min_G max_D E[log D(x)] + E[log(1 − D(G(z)))], the generator ascending log D(G(z)) instead.
"""

from functools import partial
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, Phase, Space, Splits
from genbench.nn.games import NON_SATURATING, Duel, snapshot
from genbench.nn.players import convolutions, perceptrons
from genbench.nn.priors import GaussianPrior
from genbench.nn.techniques import (
    TECHNIQUES,
    HistoricalAverage,
    MinibatchDiscrimination,
    feature_matching,
    one_sided,
    virtually_normalised,
)


class ImprovedGAN(GaussianPrior, Duel):
    """Gaussian z; images have convolutions, flat elements perceptrons, batch norm in the generator alone.

    techniques: any of the five.  latent: dimensions of z.  width: feature maps at full resolution.  hidden: of the
    perceptrons.  kernels, dimensions: of minibatch discrimination, B and C.  history: the weight of historical
    averaging.  real: the smoothed label.  reference: elements of the reference batch, codes of the prior.
    watched: how many samples of a moment of training are kept; left out, as many as a picture shows.
    """

    discriminator: nn.Sequential
    reference: Tensor
    tiny: ClassVar = {"latent": 6, "width": 8, "hidden": 24, "kernels": 4, "dimensions": 3, "reference": 8}

    def __init__(
        self,
        space: Space,
        *,
        techniques: tuple[str, ...] = (
            "feature_matching",
            "minibatch_discrimination",
            "historical_averaging",
            "label_smoothing",
            "virtual_batch_norm",
        ),
        latent: int = 100,
        width: int = 64,
        hidden: int = 500,
        dropout: float = 0.0,
        kernels: int = 50,
        dimensions: int = 5,
        history: float = 1.0,
        real: float = 0.9,
        reference: int = 64,
        lr: float = 2e-4,
        beta1: float = 0.5,
        watched: int | None = None,
    ) -> None:
        super().__init__(space)
        if unknown := set(techniques) - set(TECHNIQUES):
            raise ValueError(f"techniques: {sorted(unknown)[0]!r}; expected some of {', '.join(TECHNIQUES)}")
        self.techniques, self.latent = frozenset(techniques), latent
        self.history, self.watched = history, watched
        if space.kind == "image":
            generator, trunk, width = convolutions(space, latent, width, dropout)
        else:
            generator, trunk, width = perceptrons(space, latent, hidden, dropout)
        codes = reference if "virtual_batch_norm" in techniques else 0
        self.generator = virtually_normalised(generator, codes) if codes else generator
        if "minibatch_discrimination" in techniques:
            trunk.append(MinibatchDiscrimination(width, kernels, dimensions))
            width += kernels
        self.discriminator = nn.Sequential(trunk, nn.Linear(width, 1))
        self.losses = one_sided(NON_SATURATING, real) if "label_smoothing" in techniques else NON_SATURATING
        players = (self.discriminator, self.generator) if "historical_averaging" in techniques else ()
        sizes = [sum(parameter.numel() for parameter in player.parameters()) for player in players]
        self.averages = nn.ModuleList(map(HistoricalAverage, sizes))
        self.register_buffer("reference", self.prior(codes))
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, 0.999))

    def choose_reference(self, splits: Splits) -> None:
        """The reference batch, once and for all: in the generator it is one of codes."""
        self.reference.copy_(self.prior(len(self.reference), device=self.reference.device))

    def features(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1], all data or all generated -> f, (n, k)."""
        return self.discriminator[0](self.space.signed(x))

    def codes(self, x: Tensor) -> Tensor:
        """f without what minibatch discrimination adds of the others in the batch, (n, k)."""
        trunk: Any = self.discriminator[0]
        alone = trunk[:-1] if isinstance(trunk[-1], MinibatchDiscrimination) else trunk
        found: Tensor = alone(self.space.signed(x))
        return found

    def score(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1], all data or all generated -> (n,) logits of D(x)."""
        return self.discriminator[1](self.features(x))[:, 0]

    def past(self, player: int, network: nn.Module) -> Tensor | float:
        """The cost of historical averaging."""
        if not self.averages:
            return 0.0
        cost: Tensor = self.history * self.averages[player](list(network.parameters()))
        return cost

    def discriminator_loss(self, batch: Batch) -> Tensor:
        """Data and generated elements in batches of their own."""
        fake = self.decode(self.prior(len(batch.x), device=batch.x.device)).detach()
        game = (self.losses.real(self.score(batch.x)) + self.losses.fake(self.score(fake))).mean()
        return game + self.past(0, self.discriminator)

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.decode(self.prior(len(batch.x), device=batch.x.device))
        if "feature_matching" in self.techniques:
            game = feature_matching(self.features(batch.x), self.features(fake))
        else:
            game = NON_SATURATING.real(self.score(fake)).mean()
        return game + self.past(1, self.generator)

    def phases(self) -> list[Phase]:
        return [Phase("reference batch", fit=self.choose_reference), *super().phases()]

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1], by way of tanh; the reference batch goes first."""
        made = self.generator(torch.cat([self.reference, z]))[len(self.reference) :]
        return self.space.unsigned(made.tanh())

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        """Samples, and D(x) along a line."""
        if self.watched is not None:
            return {"x": self.sample(self.watched, rng=rng)}
        return snapshot(self.space, self.sample, rng=rng, score=lambda x: self.score(x).sigmoid())
