"""Networks of an element and a time, for diffusions, fields and scores."""

from collections.abc import Callable

from torch import Tensor, nn

from genbench.core import Space
from genbench.nn.embeddings import sinusoidal_embedding
from genbench.nn.mlp import ResidualMLP
from genbench.nn.unet import diffusion_unet

NETWORKS: dict[str, Callable[..., nn.Module]] = {"convolutions": diffusion_unet, "perceptrons": ResidualMLP}


class TimedNetwork(nn.Module):
    """Residual blocks or a U-Net given the time; flat elements, of shape (d,), have perceptrons in any case.

    steps: into how many the time is divided; it reaches the sines on the scale of 1000 of them, whatever they are.
    """

    def __init__(
        self, space: Space, network: str, width: int, blocks: int, dropout: float, *, steps: int = 1
    ) -> None:
        super().__init__()
        self.shape, self.width, self.scale = space.shape, width, 1000 / steps
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        kind = NETWORKS[network] if space.kind == "image" else ResidualMLP
        self.body = kind(space, width, blocks, dropout)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """(n, D), (n,) in [0, steps] -> (n, D)."""
        given = self.time(sinusoidal_embedding(t * self.scale, self.width))
        return self.body(x.unflatten(1, self.shape), given).flatten(1)
