"""Autoencoders as critics: what they reconstruct badly is generated (Zhao et al., 2017, arXiv:1609.03126)."""

from torch import Tensor, nn

from genbench.core import Space
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
