"""VAE (Kingma & Welling, 2014), arXiv:1312.6114.  log p(x) ≥ E_q[log p(x|z)] − β KL(q(z|x) ‖ p(z)).

With beta ≠ 1 it is the β-VAE (Higgins et al., 2017).
"""

import math
from functools import partial
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.convolutions import halvings
from genbench.nn.discrete import smooth_output

NETWORKS = ("perceptrons", "convolutions")


def perceptron(inputs: int, hidden: int, layers: int, outputs: int, dropout: float) -> nn.Sequential:
    """(n, inputs) -> (n, outputs), with dropout after every hidden layer."""
    widths = [inputs] + [hidden] * layers
    body = [block for a, b in pairwise(widths) for block in (nn.Linear(a, b), nn.SiLU(), nn.Dropout(dropout))]
    return nn.Sequential(*body, nn.Linear(hidden, outputs))


def convolutions(
    shape: tuple[int, ...], codes: int, latent: int, channels: int, width: int, dropout: float
) -> tuple[nn.Sequential, nn.Sequential]:
    """Encoder (n, *shape) -> (n, codes), with dropout before the codes; decoder (n, latent) -> (n, channels, h, w).

    Strided convolutions halve the sides, transposed ones double them, from and to 4 pixels or more; `width` maps at
    full resolution, twice as many after each halving (after DCGAN, arXiv:1511.06434, without its batch norm).
    """
    own, *sides = shape
    (height, side), times = halvings(*sides)
    top = width * 2**times
    down: list[nn.Module] = [nn.Conv2d(own, width, 3, padding=1), nn.SiLU()]
    up: list[nn.Module] = [
        nn.Linear(latent, top * height * side),
        nn.Unflatten(1, (top, height, side)),
        nn.SiLU(),
    ]
    for k in range(times):
        narrow, wide = width * 2**k, top // 2**k
        down += [nn.Conv2d(narrow, 2 * narrow, 4, 2, 1), nn.SiLU()]
        up += [nn.ConvTranspose2d(wide, wide // 2, 4, 2, 1), nn.SiLU()]
    down += [nn.Flatten(), nn.Dropout(dropout), nn.Linear(top * height * side, codes)]
    return nn.Sequential(*down), nn.Sequential(*up, nn.Conv2d(width, channels, 3, padding=1))


class VAE(GenerativeModel):
    """Gaussian encoder and prior; the decoder gives each pixel a distribution over its levels.

    latent: dimensions of z.  network: "perceptrons" of `layers` hidden layers of `hidden` units each, or, for images,
    "convolutions" with `width` maps at full resolution, doubled with each halving.  dropout: on hidden units; of the
    convolutions on those before the codes.  importance: samples of the importance-weighted bound (Burda et al., 2016,
    arXiv:1509.00519) that `log_prob` reports.
    """

    exact = False

    def __init__(
        self,
        space: Space,
        *,
        latent: int = 20,
        network: str = "perceptrons",
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
        if network not in NETWORKS:
            raise ValueError(f"network: got {network!r}; expected one of {', '.join(NETWORKS)}")
        if network == "convolutions" and len(space.shape) != 3:
            raise ValueError(f"shape={space.shape}: convolutions are for images; expected (c, h, w)")
        self.output = smooth_output(space)
        self.latent, self.beta, self.importance = latent, beta, importance
        self.lr, self.weight_decay = lr, weight_decay
        self.convolutional = network == "convolutions"
        d, each = space.dimensions, self.output.channels
        if self.convolutional:
            maps = space.shape[0] * each
            self.encoder, self.decoder = convolutions(space.shape, 2 * latent, latent, maps, width, dropout)
        else:
            self.encoder = perceptron(d, hidden, layers, 2 * latent, dropout)
            self.decoder = perceptron(latent, hidden, layers, d * each, dropout)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, *shape) in [0, 1] -> mu, log_var: (n, k) each."""
        inputs = x if self.convolutional else x.flatten(1)
        mu, log_var = self.encoder(2 * inputs - 1).chunk(2, dim=1)
        return mu, log_var

    def raw(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, D, channels)."""
        if self.convolutional:
            maps = self.decoder(z).unflatten(1, (self.space.shape[0], self.output.channels))
            return maps.movedim(2, -1).flatten(1, 3)
        return self.decoder(z).unflatten(1, (self.space.dimensions, self.output.channels))

    def loss(self, batch: Batch) -> Tensor:
        """The negative evidence lower bound, in nats per image; the KL term in closed form (paper, appendix B)."""
        mu, log_var = self.encode(batch.x)
        z = mu + (0.5 * log_var).exp() * torch.randn_like(mu)
        reconstruction = self.output.log_prob(self.raw(z), batch.x.flatten(1)).sum(1)
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
            weights.append(self.output.log_prob(self.raw(z), x).sum(1) + ratio)
        return torch.stack(weights).logsumexp(0) - math.log(self.importance)

    def prior(self, n: int, *, rng: Generator) -> Tensor:
        return torch.randn(n, self.latent, generator=rng, device=rng.device)

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape): the mean image."""
        return self.output.mean(self.raw(z)).unflatten(1, self.space.shape)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """z from the prior, then each pixel from p(x|z): what the bound is a bound of."""
        raw = self.raw(self.prior(n, rng=rng))
        return self.output.sample(raw, rng).unflatten(1, self.space.shape)
