"""Networks of an element and a time, for fields and scores in continuous time."""

from collections.abc import Callable

from torch import Tensor, nn

from genbench.core import Space
from genbench.nn.embeddings import sinusoidal_embedding
from genbench.nn.mlp import ResidualMLP
from genbench.nn.unet import diffusion_unet

NETWORKS: dict[str, Callable[..., nn.Module]] = {"convolutions": diffusion_unet, "perceptrons": ResidualMLP}
SCALE = 1000.0  # times reach the sines as if there were so many steps, as in DDPM


class TimedNetwork(nn.Module):
    """Residual blocks or a U-Net given the time; flat elements, of shape (d,), have perceptrons in any case."""

    def __init__(self, space: Space, network: str, width: int, blocks: int, dropout: float) -> None:
        super().__init__()
        self.shape, self.width = space.shape, width
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        kind = NETWORKS[network] if space.kind == "image" else ResidualMLP
        self.body = kind(space, width, blocks, dropout)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """(n, D), (n,) in [0, 1] -> (n, D)."""
        given = self.time(sinusoidal_embedding(t * SCALE, self.width))
        return self.body(x.unflatten(1, self.shape), given).flatten(1)
