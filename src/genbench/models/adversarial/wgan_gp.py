"""WGAN-GP (Gulrajani et al., 2017), arXiv:1704.00028.  The Wasserstein game with a penalised critic.

The critic minimises E[f(G(z))] − E[f(x)] + λ E[(‖∇f(x̂)‖₂ − 1)²], x̂ uniform on the line between x and G(z); the
generator minimises −E[f(G(z))].  As f nears the best 1-Lipschitz critic, −loss nears the Wasserstein-1 distance.
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.games import WASSERSTEIN, gradient_penalty, snapshot
from genbench.nn.mlp import mlp
from genbench.nn.priors import GaussianPrior
from genbench.nn.towers import built, down_tower, features, up_tower

Pair = tuple[nn.Module, nn.Module]


def perceptrons(space: Space, latent: int, hidden: int, layers: int, width: int) -> Pair:
    """Generator and critic of `layers` hidden layers each, for elements of any shape (official code, gan_toy.py)."""
    d, units = space.dimensions, [hidden] * layers
    generator = nn.Sequential(*mlp([latent, *units, d]), nn.Unflatten(1, space.shape))
    return generator, nn.Sequential(nn.Flatten(), *mlp([d, *units, 1], bias=False))


def convolutions(space: Space, latent: int, hidden: int, layers: int, width: int) -> Pair:
    """Batch norm in the generator alone: a critic with it has no gradient of its own for each x̂ (paper, section 4)."""
    channels, *sides = space.shape
    maps, height, side = features(sides, width)
    up, down = built(up_tower(latent, sides, width), down_tower(channels, sides, width, norm=False))
    generator = nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))
    return generator, nn.Sequential(*down, nn.Flatten(), nn.Linear(maps * height * side, 1, bias=False))


NETWORKS = {"convolutions": convolutions, "perceptrons": perceptrons}


class WGANGP(GaussianPrior, GenerativeModel):
    """Gaussian z; a step of training is one of the critic, and every `critic_steps`-th one of the generator too.

    network: flat elements, of shape (d,), have perceptrons in any case.
    latent: dimensions of z.  width: feature maps at full resolution.  hidden, layers: of the perceptrons.
    penalty: λ.  The critic's last layer has no bias, which would cancel in its loss and never move.
    """

    tiny: ClassVar = {"latent": 6, "width": 8, "hidden": 24}

    def __init__(
        self,
        space: Space,
        *,
        network: Literal["convolutions", "perceptrons"] = "convolutions",
        latent: int = 128,
        width: int = 64,
        hidden: int = 512,
        layers: int = 3,
        penalty: float = 10.0,
        critic_steps: int = 5,
        lr: float = 1e-4,
        beta1: float = 0.0,
        beta2: float = 0.9,
    ) -> None:
        super().__init__(space)
        if critic_steps < 1:
            raise ValueError(f"critic_steps: got {critic_steps}; expected at least 1")
        build = NETWORKS[network] if space.kind == "image" else perceptrons
        self.generator, self.critic = build(space, latent, hidden, layers, width)
        self.latent, self.penalty, self.critic_steps = latent, penalty, critic_steps
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, beta2))

    def generate(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [−1, 1], the critic's scale."""
        return self.generator(z).tanh()

    def score(self, x: Tensor) -> Tensor:
        """(n, *shape) in [−1, 1] -> (n,) values of f."""
        return self.critic(x)[:, 0]

    def critic_loss(self, batch: Batch) -> Tensor:
        real = self.space.signed(batch.x)
        with torch.no_grad():
            fake = self.generate(self.prior(len(real), device=real.device))
        real_loss = WASSERSTEIN.real(self.score(real)).mean()
        game = real_loss + WASSERSTEIN.fake(self.score(fake)).mean()
        return game + self.penalty * gradient_penalty(self.score, real, fake)

    def generator_loss(self, batch: Batch) -> Tensor:
        fake = self.generate(self.prior(len(batch.x), device=batch.x.device))
        return WASSERSTEIN.real(self.score(fake)).mean()

    def phases(self) -> list[Phase]:
        critic, generator = list(self.critic.parameters()), list(self.generator.parameters())
        players = (
            Objective("critic", critic, self.critic_loss, self.optimizer),
            Objective("generator", generator, self.generator_loss, self.optimizer, every=self.critic_steps),
        )
        return [Phase("game", players)]

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1]."""
        return self.space.unsigned(self.generate(z))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        """Samples, and the critic along a line."""
        return snapshot(self.space, self.sample, rng=rng, critic=lambda x: self.score(self.space.signed(x)))
