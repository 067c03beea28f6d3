"""The two-player game of generative adversarial networks with the non-saturating losses (arXiv:1406.2661)."""

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space

PICTURES, POINTS, LINE = 10, 1000, 200  # what is looked at in a moment of training


def moment(
    space: Space,
    sample: Callable[..., Tensor],
    *,
    rng: Generator,
    **players: Callable[[Tensor], Tensor],
) -> dict[str, Tensor]:
    """x: some samples, (k, *shape).  Where the data lies on a line, what each player says at LINE points of [0, 1]."""
    seen = {"x": sample(PICTURES if len(space.shape) > 1 else POINTS, rng=rng)}
    if space.shape == (1,):
        line = torch.linspace(0, 1, LINE, device=rng.device)[:, None]
        seen |= {name: says(line) for name, says in players.items()}
    return seen


class GaussianCodes:
    """The prior N(0, I) over codes of `latent` dimensions."""

    latent: int

    def prior(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Tensor:
        """(n, latent) codes, from `rng` on its device, or from the training's own random state."""
        device = rng.device if rng is not None else device
        return torch.randn(n, self.latent, generator=rng, device=device)


class TwoPlayers(GenerativeModel):
    """Min-max of E[log D(x)] + E[log(1 − D(G(z)))], the generator ascending log D(G(z)) instead (paper, section 3).

    A subclass gives the two networks, the optimiser, `forge` and `judge`, which may look at a batch's condition.
    """

    generator: nn.Module
    discriminator: nn.Module
    optimizer: Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer]

    @abstractmethod
    def forge(self, batch: Batch) -> Tensor:
        """As many generated elements as the batch has: (n, *space.shape) in [0, 1]."""

    @abstractmethod
    def judge(self, x: Tensor, batch: Batch) -> Tensor:
        """(n, *space.shape) in [0, 1], in the place of the batch's own elements -> (n,) logits of D."""

    def discriminator_loss(self, batch: Batch) -> Tensor:
        """−log D(x) − log(1 − D(G(z))); real and generated elements in batches of their own."""
        fake = self.forge(batch).detach()
        return (F.softplus(-self.judge(batch.x, batch)) + F.softplus(self.judge(fake, batch))).mean()

    def generator_loss(self, batch: Batch) -> Tensor:
        """−log D(G(z))."""
        return F.softplus(-self.judge(self.forge(batch), batch)).mean()

    def phases(self) -> list[Phase]:
        critic, forger = list(self.discriminator.parameters()), list(self.generator.parameters())
        players = (
            Objective("discriminator", critic, self.discriminator_loss, self.optimizer),
            Objective("generator", forger, self.generator_loss, self.optimizer),
        )
        return [Phase("game", players)]


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

    def forge(self, batch: Batch) -> Tensor:
        return self.decode(self.prior(len(batch.x), device=batch.x.device))

    def judge(self, x: Tensor, batch: Batch) -> Tensor:
        return self.score(x)

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        """The game in a moment: samples, and D(x) along a line."""
        return moment(self.space, self.sample, rng=rng, score=lambda x: self.score(x).sigmoid())

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))
