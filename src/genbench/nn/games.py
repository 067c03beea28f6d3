"""Games of a generator and a discriminator, or critic: their losses, and the GAN's two players as a base of models."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space

Optimizer = Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer]

PICTURES, POINTS, LINE = 10, 1000, 200  # what a snapshot of training shows


class Losses(NamedTuple):
    """What a score costs where it should say real, and where it should say generated: (n, …) -> (n, …).

    The discriminator pays `real` on data and `fake` on what is generated; the generator pays `real` on its own.
    """

    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]


# −log D and −log(1 − D), D = σ(score), with −log D for the generator (Goodfellow et al., 2014, arXiv:1406.2661).
NON_SATURATING = Losses(lambda score: F.softplus(-score), F.softplus)
# (D − 1)² and D² (Mao et al., 2017, arXiv:1611.04076).
LEAST_SQUARES = Losses(lambda score: (score - 1).square(), torch.square)
# −f and f: E[f(x)] − E[f(G(z))] nears the Wasserstein-1 distance (Arjovsky et al., 2017, arXiv:1701.07875).
WASSERSTEIN = Losses(torch.neg, lambda score: score)


def halved_loss(losses: Losses, score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """½ E[loss of real] + ½ E[loss of fake], so that a discriminator learns more slowly than the generator.

    As in pix2pix (Isola et al., 2017, arXiv:1611.07004, section 3.3) and CycleGAN (arXiv:1703.10593, section 4).
    """
    return (losses.real(score(real)).mean() + losses.fake(score(fake)).mean()) / 2


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """E[(‖∇f(x̂)‖₂ − 1)²], x̂ uniform on the line between x and G(z) (Gulrajani et al., 2017, arXiv:1704.00028, eq. 3).

    critic: (n, *shape) -> (n,) values of f.
    """
    place = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
    between = (place * real + (1 - place) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def snapshot(
    space: Space,
    sample: Callable[..., Tensor],
    *,
    rng: Generator,
    **scores: Callable[[Tensor], Tensor],
) -> dict[str, Tensor]:
    """x: some samples, (k, *shape).  Where the data lies on a line, also each score at LINE points of [0, 1]."""
    found = {"x": sample(PICTURES if space.kind == "image" else POINTS, rng=rng)}
    if space.kind == "points" and space.dimensions == 1:
        line = torch.linspace(0, 1, LINE, device=rng.device)[:, None]
        found |= {name: score(line) for name, score in scores.items()}
    return found


def checked_steps(critic_steps: int) -> int:
    """Raises ValueError unless the critic takes steps at all."""
    if critic_steps < 1:
        raise ValueError(f"critic_steps: got {critic_steps}; expected at least 1")
    return critic_steps


class Duel(GenerativeModel):
    """A discriminator and a generator that move in turns; a subclass gives both, the optimiser and their losses.

    Each loss draws generated elements of its own.  One batch for both saves a tenth of a step.  For GAN and InfoGAN it
    was worse, as the discriminator has just learnt to refuse those very elements; not for DCGAN: see `SharedSamples`.

    generator_optimizer: where the generator has one of its own.  critic_steps: of the discriminator for one of it.
    names: of their objectives.
    """

    names: ClassVar = ("discriminator", "generator")

    generator: nn.Module
    discriminator: nn.Module
    optimizer: Optimizer
    generator_optimizer: Optimizer | None = None
    critic_steps: int = 1

    @abstractmethod
    def discriminator_loss(self, batch: Batch) -> Tensor: ...

    @abstractmethod
    def generator_loss(self, batch: Batch) -> Tensor: ...

    def players(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """What the discriminator owns, and what the generator does."""
        return list(self.discriminator.parameters()), list(self.generator.parameters())

    def phases(self) -> list[Phase]:
        discriminator, generator = self.players()
        update, every = self.generator_optimizer or self.optimizer, self.critic_steps
        players = (
            Objective(self.names[0], discriminator, self.discriminator_loss, self.optimizer),
            Objective(self.names[1], generator, self.generator_loss, update, every=every),
        )
        return [Phase("game", players)]


class TwoPlayers(Duel):
    """min_G max_D E[log D(x)] + E[log(1 − D(G(z)))], the generator ascending log D(G(z)) instead (paper, section 3).

    A subclass gives the two networks, the optimiser, `generate` and `discriminate`, which may look at a batch's
    condition.
    """

    @abstractmethod
    def generate(self, batch: Batch) -> Tensor:
        """As many generated elements as the batch has: (n, *space.shape) in [0, 1]."""

    @abstractmethod
    def discriminate(self, x: Tensor, batch: Batch) -> Tensor:
        """(n, *space.shape) in [0, 1], in the place of the batch's own elements -> (n,) logits of D."""

    def discriminator_loss(self, batch: Batch) -> Tensor:
        """−log D(x) − log(1 − D(G(z))); real and generated elements in batches of their own."""
        with torch.no_grad():
            fake = self.generate(batch)
        real_loss = NON_SATURATING.real(self.discriminate(batch.x, batch))
        return (real_loss + NON_SATURATING.fake(self.discriminate(fake, batch))).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        """−log D(G(z))."""
        return NON_SATURATING.real(self.discriminate(self.generate(batch), batch)).mean()


class NonSaturatingGame(TwoPlayers):
    """The game without conditions: a subclass gives `prior`, `decode` and `score` beside the networks."""

    @abstractmethod
    def prior(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Tensor:
        """(n, k) codes, from `rng` on its device, or from the training's own random state."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """(n, k) codes -> (n, *space.shape) in [0, 1]."""

    @abstractmethod
    def score(self, x: Tensor) -> Tensor:
        """(n, *space.shape) in [0, 1] -> (n,) logits of D(x)."""

    def generate(self, batch: Batch) -> Tensor:
        return self.decode(self.prior(len(batch.x), device=batch.x.device))

    def discriminate(self, x: Tensor, batch: Batch) -> Tensor:
        return self.score(x)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        """Samples, and D(x) along a line."""
        return snapshot(self.space, self.sample, rng=rng, score=lambda x: self.score(x).sigmoid())
