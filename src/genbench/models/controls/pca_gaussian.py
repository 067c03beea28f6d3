"""Control: probabilistic PCA (Tipping & Bishop, 1999), x = W z + μ + ε, fitted in closed form.

The cheapest density model that has seen the data: a model that does not beat it has learnt nothing worth its cost.
"""

from typing import ClassVar

import torch
from torch import Generator, Tensor

from genbench.core import GenerativeModel, Phase, Space, Splits
from genbench.nn.priors import GaussianPrior


class PCAGaussian(GaussianPrior, GenerativeModel):
    """components: dimensions of z.  W = U (Λ − σ²)^½, σ² the mean of the eigenvalues left out.

    Of a set too large to hold, elements spread evenly over it stand for all.
    """

    tiny: ClassVar = {"components": 5}
    mu: Tensor
    weight: Tensor
    sigma: Tensor

    def __init__(self, space: Space, *, components: int = 24) -> None:
        super().__init__(space)
        if not 0 < components < space.dimensions:
            raise ValueError(f"components: got {components}; expected 1 to {space.dimensions - 1}")
        self.latent = components
        self.register_buffer("mu", torch.zeros(space.dimensions))
        self.register_buffer("weight", torch.zeros(space.dimensions, components))  # W
        self.register_buffer("sigma", torch.zeros(()))

    @property
    def free_parameters(self) -> int:
        """μ, W up to a rotation of z, and σ."""
        d, k = self.weight.shape
        return d + d * k - k * (k - 1) // 2 + 1

    def fit(self, splits: Splits) -> None:
        x = splits.train.some().x.flatten(1).double()
        k = self.latent
        values, vectors = self.spectrum(x)
        variance = (values[:-k].sum() / (x.shape[1] - k)).clamp_min(0)
        scale = (values[-k:] - variance).clamp_min(0).sqrt()
        self.mu.copy_(x.mean(0))
        self.weight.copy_(vectors[:, -k:] * scale)
        self.sigma.copy_(variance.sqrt())

    def spectrum(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Eigenvalues of the covariance of (n, D), ascending, and eigenvectors as columns; those left out are 0."""
        n, dimensions = x.shape
        if not self.latent < n < dimensions:
            found = torch.linalg.eigh(torch.cov(x.T))
            return found.eigenvalues, found.eigenvectors
        x = x - x.mean(0)  # with fewer elements than values the matrix of their products is the smaller one
        values, mixed = torch.linalg.eigh(x @ x.T / (n - 1))
        return values, x.T @ mixed / ((n - 1) * values.clamp_min(1e-12)).sqrt()

    def phases(self) -> list[Phase]:
        return [Phase("eigenvectors", fit=self.fit)]

    def decode(self, z: Tensor) -> Tensor:
        x = z @ self.weight.T + self.mu
        return x.unflatten(1, self.space.shape).clamp(0, 1)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        z = self.prior(n, rng=rng)
        x = (z @ self.weight.T + self.mu).unflatten(1, self.space.shape)
        noise = self.sigma * torch.randn(x.shape, generator=rng, device=x.device)
        return (x + noise).clamp(0, 1)
