"""WGAN (Arjovsky et al., 2017), arXiv:1701.07875.  The Wasserstein game with clipped weights.

The critic maximises E[f(x)] − E[f(G(z))], its weights kept in [−c, c] and f so in K-Lipschitz functions; the best value
is K times the Wasserstein-1 distance, which the generator descends.  Where the data lies on a line the distance is
known, and what the critic made of it is kept with the model, for each moment of the training.
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from genbench.capabilities import Measure
from genbench.core import Phase, Space, Splits
from genbench.nn.adversarial_losses import LOSSES
from genbench.nn.adversaries import NETWORKS, Sizes, perceptrons
from genbench.nn.composed_games import ComposedGame
from genbench.nn.regularisers import REGULARISERS
from genbench.nn.transport import spearman, wasserstein_1

MOMENTS, SERIES = 100, 5
EDGE = 0.99  # of c: a weight this far from 0 counts as clipped


class WGAN(ComposedGame):
    """RMSProp, as momentum upsets a critic that changes (paper, section 4); five critic steps for one of the generator.

    network: flat elements, of shape (d,), have perceptrons in any case.  latent, width, hidden, layers, dropout: sizes.
    Batch norm in the generator alone.  clip: c.  warm_up: share of the steps that the critic first has to itself, for a
    generator should meet a critic near its best (official code: 100 steps of the critic for each of the first).
    lr: the critic's.
    """

    weakness = (
        "A critic with clipped weights is a very simple function, which misses what is fine in the data "
        "(Gulrajani et al., 2017, arXiv:1704.00028, section 3.1)."
    )
    history: Tensor
    moment: int | None = None  # of the game, where it has begun
    tiny: ClassVar = {"latent": 6, "width": 8, "hidden": 24}

    def __init__(
        self,
        space: Space,
        *,
        network: Literal["perceptrons", "dcgan", "residual"] = "dcgan",
        latent: int = 128,
        width: int = 64,
        hidden: int = 512,
        layers: int = 3,
        dropout: float = 0.0,
        clip: float = 0.01,
        critic_steps: int = 5,
        warm_up: float = 0.0,
        lr: float = 5e-5,
        generator_lr: float = 5e-5,
    ) -> None:
        super().__init__(space)
        if not 0 <= warm_up < 1:
            raise ValueError(f"warm_up: got {warm_up}; expected a share of the steps, at least 0 and below 1")
        self.critic_steps = self.checked(critic_steps)
        build = NETWORKS[network] if space.kind == "image" else perceptrons
        self.generator, self.critic = build(space, Sizes(latent, width, hidden, layers, dropout), bias=False)
        self.losses, self.regulariser = LOSSES["wasserstein"], REGULARISERS["weight_clipping"]
        self.latent, self.clip, self.warm_up = latent, clip, warm_up
        self.optimizer = partial(torch.optim.RMSprop, lr=lr)
        self.generator_optimizer = partial(torch.optim.RMSprop, lr=generator_lr)
        self.remembers = space.shape == (1,)
        if self.remembers:  # for each moment, the sums of the distance and of its estimate, and their number
            self.register_buffer("history", torch.zeros(MOMENTS, 3))

    def critic_loss_between(self, real: Tensor, fake: Tensor) -> Tensor:
        loss = super().critic_loss_between(real, fake)
        if self.remembers and self.moment is not None:
            with torch.no_grad():
                distance = wasserstein_1(real[:, 0], fake[:, 0])
                self.history[self.moment] += torch.stack([distance, -loss, torch.ones_like(loss)])
        return loss

    def reach(self, progress: float) -> None:
        self.moment = int(progress * MOMENTS)

    def phases(self) -> list[Phase]:
        """The critic alone, then both."""
        (game,) = super().phases()
        critic, generator = game.objectives
        generator = generator._replace(optimizer=self.generator_optimizer)
        game = game._replace(objectives=(critic, generator), share=1 - self.warm_up, progress=self.reach)
        return [Phase("critic", (critic,), self.warm_up), game] if self.warm_up else [game]

    def course(self) -> Tensor:
        """(moments, 2): the exact distance between batches, and the critic's estimate of it, over the training."""
        seen = self.history[self.history[:, 2] > 0]
        return seen[:, :2] / seen[:, 2:]

    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """How many weights stand at the bound, and on a line whether the critic ranked the distances rightly."""
        weights = torch.cat([parameter.flatten() for parameter in self.critic.parameters()])
        share = (weights.abs() >= EDGE * self.clip).float().mean()
        found = {
            "weights at ±c": Measure(share[None], f"Weights of the critic at the bound c = {self.clip:g}.")
        }
        if self.remembers and len(course := self.course()) >= 3 * SERIES:
            ranks = torch.stack([spearman(*course[first::SERIES].T) for first in range(SERIES)])
            meaning = (
                "Spearman correlation, over the training, of −L_D with the exact W₁ between the same batches, in "
                f"{SERIES} interleaved series of moments."
            )
            found["−L_D ranks W₁"] = Measure(ranks, meaning, "up")
        return found
