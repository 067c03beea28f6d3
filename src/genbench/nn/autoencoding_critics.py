"""Autoencoders as critics: what they reconstruct badly is generated (Zhao et al., 2017, arXiv:1609.03126)."""

from abc import abstractmethod

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.games import Optimizer, snapshot
from genbench.nn.mlp import mlp
from genbench.nn.towers import built, down_tower, features, up_tower


class Autoencoder(nn.Module):
    """encoder: (n, *shape) -> (n, code).  decoder: (n, code) -> (n, *shape)."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


def perceptrons(
    space: Space, latent: int, code: int, hidden: int, width: int
) -> tuple[nn.Module, Autoencoder]:
    """Generator of (n, *shape), before tanh, and critic; one hidden layer each way for elements of any shape."""
    d = space.dimensions

    def decoder(inputs: int) -> nn.Module:
        return nn.Sequential(*mlp([inputs, hidden, hidden, d]), nn.Unflatten(1, space.shape))

    encoder = nn.Sequential(nn.Flatten(), *mlp([d, hidden, hidden, code]))
    return decoder(latent), Autoencoder(encoder, decoder(code))


def convolutions(
    space: Space, latent: int, code: int, hidden: int, width: int
) -> tuple[nn.Module, Autoencoder]:
    """The generator and the critic's decoder are alike (BEGAN, arXiv:1703.10717, figure 1); no norms in the critic."""
    channels, *sides = space.shape
    maps, height, side = features(sides, width)

    def decoder(inputs: int, norm: bool) -> nn.Module:
        (up,) = built(up_tower(inputs, sides, width, norm=norm))
        return nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))

    (down,) = built(down_tower(channels, sides, width, norm=False))
    encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(maps * height * side, code))
    return decoder(latent, norm=True), Autoencoder(encoder, decoder(code, norm=False))


NETWORKS = {"perceptrons": perceptrons, "convolutions": convolutions}


class AutoencodingGame(GenerativeModel):
    """A critic that reconstructs what is real and a generator that it is to reconstruct, one step each in turn.

    A subclass gives `prior`, `error`, both losses, the networks and the optimiser.
    """

    generator: nn.Module
    critic: Autoencoder
    optimizer: Optimizer

    @abstractmethod
    def prior(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Tensor:
        """(n, k) codes, from `rng` on its device, or from the training's own random state."""

    @abstractmethod
    def error(self, x: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> (n,), how badly the critic reconstructs each, on the scale of [−1, 1]."""

    def codes(self, x: Tensor) -> Tensor:
        """Of the critic's encoder: (n, *shape) in [0, 1] -> (n, code)."""
        return self.critic.encoder(self.space.signed(x))

    @abstractmethod
    def critic_loss(self, batch: Batch) -> Tensor:
        """A number that the critic descends."""

    @abstractmethod
    def generator_loss(self, batch: Batch) -> Tensor:
        """A number that the generator descends."""

    def phases(self) -> list[Phase]:
        critic, generator = list(self.critic.parameters()), list(self.generator.parameters())
        players = (
            Objective("critic", critic, self.critic_loss, self.optimizer),
            Objective("generator", generator, self.generator_loss, self.optimizer),
        )
        return [Phase("game", players)]

    def generate(self, batch: Batch) -> Tensor:
        """As many generated elements as the batch has: (n, *shape) in [0, 1]."""
        return self.decode(self.prior(len(batch.x), device=batch.x.device))

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape) in [0, 1]."""
        return self.space.unsigned(self.generator(z).tanh())

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    def watch(self, *, rng: Generator) -> dict[str, Tensor]:
        """Samples, and the negative error along a line."""
        return snapshot(self.space, self.sample, rng=rng, critic=lambda x: -self.error(x))
