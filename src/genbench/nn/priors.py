"""Laws of codes.  A model takes `prior` from one of the mixins; a fitted law is a module of its own."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F


class GaussianPrior:
    """N(0, I) over codes of `latent` dimensions."""

    latent: int

    def prior(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Tensor:
        """(n, latent) codes, from `rng` on its device, or from the training's own random state."""
        device = rng.device if rng is not None else device
        return torch.randn(n, self.latent, generator=rng, device=device)


class UniformPrior:
    """Uniform on [−1, 1]^latent."""

    latent: int

    def prior(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Tensor:
        """(n, latent) codes, from `rng` on its device, or from the training's own random state."""
        return uniform(n, self.latent, rng=rng, device=device)


def uniform(n: int, k: int, *, rng: Generator | None, device: torch.device | None = None) -> Tensor:
    """(n, k), uniform on [−1, 1], from `rng` on its device, or from the training's own random state."""
    device = rng.device if rng is not None else device
    return 2 * torch.rand(n, k, generator=rng, device=device) - 1


class CodedPrior:
    """Noise, a category and numbers side by side, `sizes` of each: N(0, I), uniform one-hot, uniform on [−1, 1]."""

    sizes: list[int]

    def prior(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Tensor:
        """(n, noise + categories + numbers), from `rng` on its device, or from the training's own random state."""
        device = rng.device if rng is not None else device
        noise, categories, numbers = self.sizes
        z = torch.randn(n, noise, generator=rng, device=device)
        category = torch.randint(categories, (n,), generator=rng, device=device)
        c = uniform(n, numbers, rng=rng, device=device)
        return torch.cat([z, F.one_hot(category, categories), c], 1)

    def traversal(self, z: Tensor, number: int, values: Tensor) -> Tensor:
        """Noise (noise,) -> (categories, len(values), k): each category, one number along `values`, the others 0."""
        _, categories, numbers = self.sizes
        columns = len(values)
        rows = torch.eye(categories, device=z.device)[:, None].expand(-1, columns, -1)
        c = torch.zeros(categories, columns, numbers, device=z.device)
        c[:, :, number] = values.to(z.device)
        return torch.cat([z.expand(categories, columns, -1), rows, c], 2)


class GaussianMixture(nn.Module):
    """Σ_k w_k N(m_k, L_k L_kᵀ) with full covariances, fitted to codes by expectation maximisation."""

    weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, components: int, latent: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(components))
        self.register_buffer("means", torch.zeros(components, latent))
        self.register_buffer("factors", torch.zeros(components, latent, latent))  # Cholesky, Σ = L Lᵀ

    @property
    def own_parameters(self) -> int:
        """Weights that sum to 1, means, and symmetric covariances."""
        components, k = self.means.shape
        return components - 1 + components * (k + k * (k + 1) // 2)

    @torch.no_grad()
    def fit(self, codes: Tensor, *, ridge: float) -> None:
        """(n, k) codes.  ridge: what is added to the diagonals, as a share of the codes' mean variance."""
        from sklearn.mixture import GaussianMixture as Fitted

        codes = codes.double().cpu()
        mixture = Fitted(
            min(len(self.weights), len(codes)),
            reg_covar=ridge * float(codes.var(0).mean()) + 1e-9,
            random_state=int(torch.randint(2**31 - 1, ())),
        ).fit(codes.numpy())
        found = len(mixture.weights_)
        self.weights[:found] = torch.from_numpy(mixture.weights_)
        self.means[:found] = torch.from_numpy(mixture.means_)
        self.factors[:found] = torch.linalg.cholesky(torch.from_numpy(mixture.covariances_))

    def sample(self, n: int, *, rng: Generator) -> Tensor:
        """(n, k) codes."""
        chosen = torch.multinomial(self.weights, n, replacement=True, generator=rng)
        noise = torch.randn(n, self.means.shape[1], 1, generator=rng, device=rng.device)
        return self.means[chosen] + (self.factors[chosen] @ noise)[..., 0]
