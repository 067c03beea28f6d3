"""VAE (Kingma & Welling, 2014), arXiv:1312.6114.  log p(x) ≥ E_q[log p(x|z)] − β KL(q(z|x) ‖ p(z)).

With beta ≠ 1 it is the β-VAE (Higgins et al., 2017).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.bounds import importance_weighted
from genbench.nn.discrete import smooth_output
from genbench.nn.mlp import mlp
from genbench.nn.priors import GaussianPrior
from genbench.nn.towers import built, down_tower, features, up_tower


class Perceptrons(nn.Module):
    """Encoder and decoder of `layers` hidden layers each, with dropout after each of them."""

    def __init__(
        self, space: Space, latent: int, channels: int, hidden: int, layers: int, width: int, dropout: float
    ) -> None:
        super().__init__()
        d, units = space.dimensions, [hidden] * layers
        self.encoder = mlp([d, *units, 2 * latent], nn.SiLU, dropout=dropout)
        self.decoder = mlp([latent, *units, d * channels], nn.SiLU, dropout=dropout)
        self.each = (d, channels)

    def encode(self, x: Tensor) -> Tensor:
        """(n, *shape) in [−1, 1] -> (n, 2 k)."""
        return self.encoder(x.flatten(1))

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, D, channels)."""
        return self.decoder(z).unflatten(1, self.each)


class Convolutions(nn.Module):
    """DCGAN's towers (arXiv:1511.06434) without batch norm, with dropout before the codes; for images."""

    def __init__(
        self, space: Space, latent: int, channels: int, hidden: int, layers: int, width: int, dropout: float
    ) -> None:
        super().__init__()
        if space.kind != "image":
            raise ValueError(f"got {space.kind} of shape {space.shape}: convolutions are for images")
        own, *sides = space.shape
        maps, height, side = features(sides, width)
        down, up = built(
            down_tower(own, sides, width, norm=False, activation=nn.SiLU),
            up_tower(latent, sides, width, norm=False, activation=nn.SiLU),
        )
        codes = nn.Linear(maps * height * side, 2 * latent)
        self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Dropout(dropout), codes)
        self.decoder = nn.Sequential(*up, nn.Conv2d(width, own * channels, 3, padding=1))
        self.each = (own, channels)

    def encode(self, x: Tensor) -> Tensor:
        """(n, *shape) in [−1, 1] -> (n, 2 k)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, D, channels)."""
        return self.decoder(z).unflatten(1, self.each).movedim(2, -1).flatten(1, 3)


NETWORKS: dict[str, Callable[..., Any]] = {"perceptrons": Perceptrons, "convolutions": Convolutions}


class VAE(GaussianPrior, GenerativeModel):
    """Gaussian encoder and prior; the decoder gives each pixel a distribution over its levels.

    latent: dimensions of z.  network: perceptrons of `layers` hidden layers of `hidden` units each, or, for images,
    convolutions with `width` maps at full resolution, doubled with each halving.  dropout: on hidden units; of the
    convolutions on those before the codes.  importance: samples of the importance-weighted bound (Burda et al., 2016,
    arXiv:1509.00519) that `log_prob` reports.
    """

    exact = False
    tiny: ClassVar = {"latent": 6, "hidden": 24, "width": 8, "importance": 400}

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 20,
        network: Literal["perceptrons", "convolutions"] = "perceptrons",
        hidden: int = 400,
        layers: int = 1,
        width: int = 32,
        beta: float = 1.0,
        dropout: float = 0.0,
        importance: int = 100,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space)
        self.output = smooth_output(space)
        self.latent, self.beta, self.importance = latent, beta, importance
        self.lr, self.weight_decay = lr, weight_decay
        self.network: Any = NETWORKS[network](
            space, latent, self.output.channels, hidden, layers, width, dropout
        )

    def loss(self, batch: Batch) -> Tensor:
        """The negative evidence lower bound, in nats per image; the KL term in closed form (paper, appendix B)."""
        mu, log_var = self.encode(batch.x)
        z = mu + (0.5 * log_var).exp() * torch.randn_like(mu)
        reconstruction = self.output.log_prob(self.network.decode(z), batch.x.flatten(1)).sum(1)
        divergence = 0.5 * (mu.square() + log_var.exp() - 1 - log_var).sum(1)
        return (self.beta * divergence - reconstruction).mean()

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        return [Phase("bound", (Objective("negative_elbo", list(self.parameters()), self.loss, adam),))]

    def log_prob(self, x: Tensor) -> Tensor:
        """log (1/K) Σ_k p(x, z_k) / q(z_k|x), z_k ~ q: a lower bound in expectation, tighter with K."""
        mu, log_var = self.encode(x)
        x = x.flatten(1)
        weights = []
        for _ in range(self.importance):
            noise = torch.randn_like(mu)
            z = mu + (0.5 * log_var).exp() * noise
            # log p(z) − log q(z|x); the constants ½ log 2π cancel.
            ratio = 0.5 * (noise.square() + log_var - z.square()).sum(1)
            weights.append(self.output.log_prob(self.network.decode(z), x).sum(1) + ratio)
        return importance_weighted(torch.stack(weights))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, *shape) in [0, 1] -> mu, log_var: (n, k) each."""
        mu, log_var = self.network.encode(self.space.signed(x)).chunk(2, dim=1)
        return mu, log_var

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape): the mean image."""
        return self.output.mean(self.network.decode(z)).unflatten(1, self.space.shape)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """z from the prior, then each pixel from p(x|z): what the bound is a bound of."""
        raw = self.network.decode(self.prior(n, rng=rng))
        return self.output.sample(raw, rng).unflatten(1, self.space.shape)
