"""Denoising autoencoder (Vincent et al., 2008; 2010, JMLR 11).  max E log P(x|x̃), x̃ = x + σ ε, ε ~ N(0, I).

Its mean r(x̃), best at E[x|x̃], knows the density of the data under the noise: r(x̃) − x̃ = σ² ∇ log p_σ(x̃), where
p_σ = p ∗ N(0, σ²) (Alain & Bengio, 2014, arXiv:1211.4246).  Noise and P(x|x̃) in turns are a Markov chain whose states
are distributed like the data where P is right (Bengio et al., 2013, arXiv:1305.6663, theorem 1).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from genbench.capabilities import Measure
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.discrete import smooth_output
from genbench.nn.gaussian_output import GaussianValues
from genbench.nn.mlp import mlp
from genbench.nn.probes import psnr
from genbench.nn.schedules import cosine

SHOWN = 10  # held-out elements in a picture, and chains
MOMENTS = 10  # of a chain in a picture


class Denoising(GenerativeModel):
    """Perceptrons of SiLU units f see (x̃ − μ) / √(τ² + σ²), μ and τ mean and spread of each value in the training data.

    r(x̃) = x̃ + σ f.  The widths of P(x|x̃) come from f too where the data has levels, else they are learned as they
    stand.  noise: σ, in the unit of the data's range.  walk: steps of the chain, which starts from N(μ, τ²).  An image
    is r of the last step, the expectation, as in the paper's figures; points are the last state itself.
    """

    tiny: ClassVar = {"widths": (32,), "walk": 5}
    mean: Tensor  # μ, (D,)
    spread: Tensor  # τ, (D,)

    def __init__(
        self,
        space: Space,
        *,
        noise: float = 0.3,
        walk: int = 30,
        widths: tuple[int, ...] = (1000, 1000, 1000),
        dropout: float = 0.0,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(space)
        if not noise > 0:
            raise ValueError(f"noise: got {noise}; expected more than 0")
        if walk < 1:
            raise ValueError(f"walk: got {walk}; expected at least 1 step")
        self.noises = (0.0, noise)
        self.noise, self.walk, self.lr, self.weight_decay = noise, walk, lr, weight_decay
        self.output: Any = smooth_output(space) if space.levels else GaussianValues(space)
        d = space.dimensions
        self.network = mlp([d, *widths, d * self.output.channels], nn.SiLU, dropout=dropout)
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("spread", torch.ones(d))

    def corrupted(self, x: Tensor, rng: Generator | None = None) -> Tensor:
        """x̃."""
        return x + self.noise * torch.randn(x.shape, generator=rng, device=x.device)

    def posterior(self, noisy: Tensor) -> Tensor:
        """Raw numbers of P(x|x̃): (n, *shape) -> (n, D, channels)."""
        flat = noisy.flatten(1)
        seen = (flat - self.mean) / (self.spread.square() + self.noise**2).sqrt()
        raw = self.network(seen).unflatten(1, (-1, self.output.channels))
        return torch.cat([flat[..., None] - 0.5 + self.noise * raw[..., :1], raw[..., 1:]], 2)

    def codes(self, x: Tensor) -> Tensor:
        """The last hidden layer of f, shown x without noise: (n, *shape) -> (n, k)."""
        return self.network[:-1]((x.flatten(1) - self.mean) / (self.spread.square() + self.noise**2).sqrt())

    def reconstruct(self, noisy: Tensor) -> Tensor:
        """r(x̃): (n, *shape) -> (n, *shape)."""
        return self.output.mean(self.posterior(noisy)).view_as(noisy)

    def loss(self, batch: Batch) -> Tensor:
        """−log P(x|x̃) in nats per value."""
        raw = self.posterior(self.corrupted(batch.x))
        return -self.output.log_prob(raw, batch.x.flatten(1)).mean()

    @torch.no_grad()
    def standardise(self, splits: Splits) -> None:
        x = splits.train.some().x.flatten(1)
        self.mean.copy_(x.mean(0))
        self.spread.copy_(x.std(0))

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        learn = Objective("denoising", list(self.parameters()), self.loss, adam, clip=1.0, schedule=cosine)
        return [Phase("mean and spread", fit=self.standardise), Phase("denoising", (learn,))]

    def chain(self, n: int, rng: Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """The states of n chains step by step, and the means that they were drawn around: (n, *shape) each."""
        noise = torch.randn(n, len(self.mean), generator=rng, device=rng.device)
        x = (self.mean + self.spread * noise).unflatten(1, self.space.shape)
        for _ in range(self.walk):
            raw = self.posterior(self.corrupted(x.clamp(0, 1), rng))
            x = self.output.sample(raw, rng).view_as(x)
            yield x, self.output.mean(raw).view_as(x)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        *_, (state, expected) = self.chain(n, rng)
        return expected if self.space.levels else state

    def log_density_gradient(self, x: Tensor, noise: float) -> Tensor:
        """(r(x) − x) / σ², of p_σ; the only answer there is for the data without noise too."""
        return (self.reconstruct(x) - x) / self.noise**2

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """The ratio of signal to noise before and after, on held-out data."""
        x = splits.held_out.some().x
        noisy = self.corrupted(x, rng)
        before, after = (psnr(y, x) for y in (noisy, self.reconstruct(noisy)))
        meaning = (
            f"Peak signal to noise ratio of held-out elements in dB, {{}} noise of deviation {self.noise:g}."
        )
        return {
            "PSNR of noisy elements": Measure(before, meaning.format("under")),
            "PSNR of denoised elements": Measure(after, meaning.format("freed from"), "up"),
            "PSNR gained": Measure(after - before, "How many dB denoising gains, element by element.", "up"),
        }

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Held-out elements, under noise and freed from it; then chains from left to right."""
        x = splits.held_out.x[:SHOWN]
        noisy = self.corrupted(x, rng)
        states = [expected for _, expected in self.chain(SHOWN, rng)]
        moments = [states[i * (len(states) - 1) // (MOMENTS - 1)] for i in range(MOMENTS)]
        return {
            "Held-out, under noise, and denoised": torch.stack([x, noisy, self.reconstruct(noisy)]),
            f"Chains of {self.walk} steps from left to right": torch.stack(moments, 1),
        }
