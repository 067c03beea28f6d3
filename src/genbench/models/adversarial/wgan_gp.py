"""WGAN-GP (Gulrajani et al., 2017), arXiv:1704.00028.  The Wasserstein game with a penalised critic.

The critic minimises E[f(G(z))] − E[f(x)] + λ E[(‖∇f(x̂)‖₂ − 1)²], x̂ uniform on the line between x and G(z); the
generator minimises −E[f(G(z))].  As f nears the best 1-Lipschitz critic, −loss nears the Wasserstein-1 distance.
"""

from functools import partial
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.convolutions import doubled, halvings, unfolded
from genbench.nn.game import GaussianCodes, moment
from genbench.nn.wasserstein import steepness

Pair = tuple[nn.Module, nn.Module]


def perceptrons(space: Space, latent: int, hidden: int, layers: int, width: int) -> Pair:
    """Generator and critic of `layers` hidden layers each, for elements of any shape (official code, gan_toy.py)."""

    def body(inputs: int) -> list[nn.Module]:
        widths = [inputs] + [hidden] * layers
        return [block for a, b in pairwise(widths) for block in (nn.Linear(a, b), nn.ReLU())]

    d = space.dimensions
    generator = nn.Sequential(*body(latent), nn.Linear(hidden, d), nn.Unflatten(1, space.shape))
    return generator, nn.Sequential(nn.Flatten(), *body(d), nn.Linear(hidden, 1, bias=False))


def convolutions(space: Space, latent: int, hidden: int, layers: int, width: int) -> Pair:
    """Transposed convolutions double the sides, strided ones halve them, from and to 4 pixels or more.

    Batch norm in the generator alone: a critic with it has no gradient of its own for each x̂ (paper, section 4).
    """
    channels, *sides = space.shape
    (height, side), times = halvings(*sides)
    top = width * 2**times
    up = unfolded(latent, top, height, side)
    down: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(0.2)]
    for k in range(times):
        narrow = width * 2**k
        up += doubled(top // 2**k)
        down += [nn.Conv2d(narrow, 2 * narrow, 4, 2, 1), nn.LeakyReLU(0.2)]
    generator = nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))
    return generator, nn.Sequential(*down, nn.Flatten(), nn.Linear(top * height * side, 1, bias=False))


NETWORKS = {"convolutions": convolutions, "perceptrons": perceptrons}


class WGANGP(GaussianCodes, GenerativeModel):
    """Gaussian z; a step of training is one of the critic, and every `critic_steps`-th one of the generator too.

    network: "convolutions" or "perceptrons"; flat elements, of shape (d,), have the latter in any case.
    latent: dimensions of z.  width: feature maps at full resolution.  hidden, layers: of the perceptrons.
    penalty: λ.  The critic's last layer has no bias, which would cancel in its loss and never move.
    """

    def __init__(
        self,
        space: Space,
        *,
        network: str = "convolutions",
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
        if network not in NETWORKS:
            raise ValueError(f"network: got {network!r}; expected one of {', '.join(sorted(NETWORKS))}")
        if critic_steps < 1:
            raise ValueError(f"critic_steps: got {critic_steps}; expected at least 1")
        build = NETWORKS[network] if len(space.shape) == 3 else perceptrons
        self.generator, self.critic = build(space, latent, hidden, layers, width)
        self.latent, self.penalty, self.critic_steps = latent, penalty, critic_steps
        self.optimizer = partial(torch.optim.Adam, lr=lr, betas=(beta1, beta2))

    def forge(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [−1, 1], the critic's scale."""
        return self.generator(z).tanh()

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1]."""
        return (self.forge(z) + 1) / 2

    def score(self, x: Tensor) -> Tensor:
        """(n, *shape) in [−1, 1] -> (n,) values of f."""
        return self.critic(x)[:, 0]

    def critic_loss(self, batch: Batch) -> Tensor:
        real = 2 * batch.x - 1
        with torch.no_grad():
            fake = self.forge(self.prior(len(real), device=real.device))
        distance = self.score(real).mean() - self.score(fake).mean()
        return self.penalty * steepness(self.score, real, fake) - distance

    def generator_loss(self, batch: Batch) -> Tensor:
        return -self.score(self.forge(self.prior(len(batch.x), device=batch.x.device))).mean()

    def phases(self) -> list[Phase]:
        critic, forger = list(self.critic.parameters()), list(self.generator.parameters())
        players = (
            Objective("critic", critic, self.critic_loss, self.optimizer),
            Objective("generator", forger, self.generator_loss, self.optimizer, every=self.critic_steps),
        )
        return [Phase("game", players)]

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        """The game in a moment: samples, and the critic along a line."""
        return moment(self.space, self.sample, rng=rng, critic=lambda x: self.score(2 * x - 1))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))
