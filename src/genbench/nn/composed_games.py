"""An adversarial game put together from a loss, a regulariser of the critic and two networks."""

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase
from genbench.nn.adversarial_losses import AdversarialLoss
from genbench.nn.games import Optimizer, snapshot
from genbench.nn.priors import GaussianPrior
from genbench.nn.regularisers import Regulariser, clipped


class ComposedGame(GaussianPrior, GenerativeModel):
    """Gaussian z; a step of training is one of the critic, and every `critic_steps`-th one of the generator too.

    A subclass gives the networks, generator -> (n, *shape) before tanh and critic -> (n, 1), and the rest of what is
    declared here; it calls `checked` first.  weight: of the regulariser's penalty.  clip: c, where it clips weights.
    """

    generator: nn.Module
    critic: nn.Sequential  # its last layer gives f
    losses: AdversarialLoss
    regulariser: Regulariser
    optimizer: Optimizer
    weight: float = 0.0
    clip: float = 0.0
    critic_steps: int = 1

    def draw(self, n: int, device: torch.device) -> Tensor:
        """n elements from the training's own random state, (n, *shape) in [−1, 1]."""
        return self.generate_signed(self.prior(n, device=device))

    def generate_signed(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [−1, 1], the critic's scale."""
        return self.generator(z).tanh()

    def score(self, x: Tensor) -> Tensor:
        """(n, *shape) in [−1, 1] -> (n,) values of f."""
        return self.critic(x)[:, 0]

    def codes(self, x: Tensor) -> Tensor:
        """What the critic's last layer reads: (n, *shape) in [0, 1] -> (n, k)."""
        return self.critic[:-1](self.space.signed(x))

    def critic_loss(self, batch: Batch) -> Tensor:
        real = self.space.signed(batch.x)
        with torch.no_grad():
            fake = self.draw(len(real), real.device)
        return self.critic_loss_between(real, fake)

    def critic_loss_between(self, real: Tensor, fake: Tensor) -> Tensor:
        """Of real and generated elements, (n, *shape) in [−1, 1] each."""
        loss = self.losses.critic(self.score(real), self.score(fake))
        if self.regulariser.penalty is None:
            return loss
        return loss + self.weight * self.regulariser.penalty(self.score, real, fake)

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.score(self.draw(len(batch.x), batch.x.device))
        real = self.score(self.space.signed(batch.x)) if self.losses.paired else None
        return self.losses.generator(real, fake)

    def phases(self) -> list[Phase]:
        critic, generator = list(self.critic.parameters()), list(self.generator.parameters())
        update = clipped(self.optimizer, self.clip) if self.regulariser.clips else self.optimizer
        players = (
            Objective("critic", critic, self.critic_loss, update),
            Objective("generator", generator, self.generator_loss, self.optimizer, every=self.critic_steps),
        )
        return [Phase("game", players)]

    def generate(self, batch: Batch) -> Tensor:
        """As many generated elements as the batch has: (n, *shape) in [0, 1]."""
        return self.space.unsigned(self.draw(len(batch.x), batch.x.device))

    def discriminate(self, x: Tensor, batch: Batch) -> Tensor:
        """(n, *shape) in [0, 1] -> (n,) values of f."""
        return self.score(self.space.signed(x))

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1]."""
        return self.space.unsigned(self.generate_signed(z))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        """Samples, and the critic along a line."""
        return snapshot(self.space, self.sample, rng=rng, critic=lambda x: self.score(self.space.signed(x)))
