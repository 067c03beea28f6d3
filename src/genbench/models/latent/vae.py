"""VAE (Kingma & Welling, 2014), arXiv:1312.6114.  log p(x) ≥ E_q[log p(x|z)] − β KL(q(z|x) ‖ p(z)).

With beta ≠ 1 it is the β-VAE (Higgins et al., 2017).
"""

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from genbench.capabilities import Measure
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.bounds import importance_weighted
from genbench.nn.coders import Coders, convolutions, perceptrons
from genbench.nn.discrete import smooth_output
from genbench.nn.priors import GaussianPrior
from genbench.nn.probes import principal_components

WIDEST = 4096  # values of an element, beyond which principal components of all take minutes
SHOWN = 12  # held-out elements in a picture
ACTIVE = 0.05  # nats that a number of z carries on the average where it is in use
NETWORKS: dict[str, Callable[..., Coders]] = {"perceptrons": perceptrons, "convolutions": convolutions}


class VAE(GaussianPrior, GenerativeModel):
    """Gaussian encoder and prior; the decoder gives each pixel a distribution over its levels.

    latent: dimensions of z.  network: perceptrons of `layers` hidden layers of `hidden` units each, or, for images,
    convolutions with `width` maps at full resolution, doubled with each halving.  dropout: on hidden units; of the
    convolutions on those before the codes.  importance: samples of the importance-weighted bound (Burda et al., 2016,
    arXiv:1509.00519) that `log_prob` reports.
    """

    exact = False
    tightens = True
    weakness = (
        "Samples have codes from all of the prior, of which codes of data leave parts empty "
        "(Rosca et al., 2018, arXiv:1802.06847)."
    )
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
        self.encoder, self.decoder = NETWORKS[network](
            space, latent, (hidden,) * layers, width, dropout, statistics=2, channels=self.output.channels
        )

    def loss(self, batch: Batch) -> Tensor:
        """The negative evidence lower bound, in nats per image; the KL term in closed form (paper, appendix B)."""
        mu, log_var = self.encode(batch.x)
        z = mu + (0.5 * log_var).exp() * torch.randn_like(mu)
        reconstruction = self.output.log_prob(self.logits(z), batch.x.flatten(1)).sum(1)
        return (self.beta * self.divergences(mu, log_var).sum(1) - reconstruction).mean()

    @staticmethod
    def divergences(mu: Tensor, log_var: Tensor) -> Tensor:
        """KL(q(z_j|x) ‖ p(z_j)) in nats, (n, k)."""
        return 0.5 * (mu.square() + log_var.exp() - 1 - log_var)

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
            weights.append(self.output.log_prob(self.logits(z), x).sum(1) + ratio)
        return importance_weighted(torch.stack(weights))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, *shape) in [0, 1] -> mu, log_var: (n, k) each."""
        mu, log_var = self.encoder(self.space.signed(x)).chunk(2, dim=1)
        return mu, log_var

    def codes(self, x: Tensor) -> Tensor:
        """mu, (n, k)."""
        return self.encode(x)[0]

    def logits(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, D, channels), what the distribution over each pixel's levels is given by."""
        found: Tensor = self.decoder(z)
        return found.flatten(1, -2)

    def decode(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, *shape): the mean image."""
        return self.output.mean(self.logits(z)).unflatten(1, self.space.shape)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """z from the prior, then each pixel from p(x|z): what the bound is a bound of."""
        raw = self.logits(self.prior(n, rng=rng))
        return self.output.sample(raw, rng).unflatten(1, self.space.shape)

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """What is lost through the code of held-out elements, beside PCA, and what each carries."""
        x = splits.held_out.some().x
        mu, log_var = self.encode(x)
        nats = self.divergences(mu, log_var)
        used = (nats.mean(0) > ACTIVE).sum()[None].float()
        error = f"Mean squared error of a value of a held-out element through {self.latent} numbers and back"
        found = {
            "reconstruction error": Measure(
                (self.decode(mu) - x).square().flatten(1).mean(1),
                f"{error}, from the mean of q(z|x).",
                "down",
            ),
            "nats in the code": Measure(nats.sum(1), "KL(q(z|x) ‖ p(z)) of a held-out element."),
            "numbers in use": Measure(
                used, f"Numbers of z, of {self.latent}, whose KL is more than {ACTIVE:g} nats on the average."
            ),
        }
        if self.space.dimensions > WIDEST:
            return found
        linear = principal_components(splits.train.some().x, self.latent)
        lost = (linear.reconstruct(x) - x).square().flatten(1).mean(1)
        meaning = f"{error}, principal components of the training data."
        return found | {"reconstruction error of PCA": Measure(lost, meaning)}

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Held-out elements above their reconstructions."""
        x = splits.held_out.some().x[:SHOWN]
        rows = torch.stack([x, self.decode(self.encode(x)[0])])
        return {"Held-out, then from the mean of its code": rows}
