"""DDPM (Ho et al., 2020), arXiv:2006.11239.  A Markov chain from noise to data, learned by predicting the noise.

Forward, q(x_t|x_0) = N(√ᾱ_t x_0, (1 − ᾱ_t) I); reverse, p(x_{t−1}|x_t) = N(μ_θ(x_t, t), σ_t² I) from p(x_T) = N(0, I).
Training minimises E‖ε − ε_θ(√ᾱ_t x_0 + √(1 − ᾱ_t) ε, t)‖² over uniform t (paper, eq. 14).  x is in [−1, 1] throughout.
"""

import math
from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.bounds import asked_at_most, importance_weighted
from genbench.nn.diffusion import cosine_schedule, level_log_prob, linear_schedule, reverse_steps
from genbench.nn.schedules import cosine
from genbench.nn.timed import TimedNetwork

SCHEDULES = {"linear": linear_schedule, "cosine": cosine_schedule}


class DDPM(GenerativeModel):
    """ε-prediction, fixed σ_t, ancestral sampling.

    timesteps: T.  network: flat elements, of shape (d,), have perceptrons in any case.  variance: v in
    σ_t² = β_t^v β̃_t^(1−v), whose ends are the paper's two choices.  importance: trajectories of the
    importance-weighted bound that `log_prob` reports; 1 is the paper's bound.
    """

    exact = False
    tightens = True
    tiny: ClassVar = {"timesteps": 2, "schedule": "cosine", "width": 8, "blocks": 1, "importance": 400}
    alpha_bar: Tensor  # ᾱ_0 … ᾱ_T

    def __init__(
        self,
        space: Space,
        *,
        timesteps: int = 1000,
        schedule: Literal["linear", "cosine"] = "linear",
        network: Literal["convolutions", "perceptrons"] = "convolutions",
        width: int = 32,
        blocks: int = 2,
        dropout: float = 0.1,
        variance: float = 1.0,
        importance: int = 1,
        lr: float = 2e-4,
    ) -> None:
        super().__init__(space)
        if timesteps < 2:
            raise ValueError(f"timesteps: got {timesteps}; expected at least 2")
        self.timesteps, self.importance, self.lr = timesteps, importance, lr
        self.likelihoods_at_most = asked_at_most(space.dimensions)
        alpha_bar = F.pad(SCHEDULES[schedule](timesteps), (1, 0), value=1.0)
        self.steps = reverse_steps(alpha_bar.tolist(), variance)
        self.register_buffer("alpha_bar", alpha_bar.float(), persistent=False)
        self.network = TimedNetwork(space, network, width, blocks, dropout, steps=timesteps)

    def noise_in(self, x: Tensor, t: Tensor) -> Tensor:
        """ε_θ(x_t, t) = √(1 − ᾱ_t) x_t + √ᾱ_t f_θ(x_t, t): (n, *shape), (n,) -> (n, *shape).

        The first summand is the best guess for data of unit normal distribution; f_θ adds what they are besides
        (Salimans & Ho, 2022, arXiv:2202.00512, appendix D).
        """
        found = self.network(x.flatten(1), t).unflatten(1, self.space.shape)
        return self.mix(found, x, t)

    def mix(self, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """√ᾱ_t x + √(1 − ᾱ_t) noise, t: (n,)."""
        signal = self.alpha_bar[t].reshape(-1, *[1] * (x.ndim - 1))
        return signal.sqrt() * x + (1 - signal).sqrt() * noise

    def start(self, x: Tensor, t: int) -> Tensor:
        """x̂_0 = (x_t − √(1 − ᾱ_t) ε_θ)/√ᾱ_t, kept in the range of the data."""
        noise = self.noise_in(x, torch.full((len(x),), t, device=x.device))
        signal = self.alpha_bar[t]
        return ((x - (1 - signal).sqrt() * noise) / signal.sqrt()).clamp(-1, 1)

    def loss(self, batch: Batch) -> Tensor:
        """L_simple, as a mean over dimensions."""
        x = self.space.signed(batch.x)
        t = torch.randint(1, self.timesteps + 1, (len(x),), device=x.device)
        noise = torch.randn_like(x)
        return F.mse_loss(self.noise_in(self.mix(x, noise, t), t), noise)

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.Adam, lr=self.lr)
        own = list(self.parameters())
        return [Phase("noise", (Objective("noise", own, self.loss, adam, clip=1.0, schedule=cosine),))]

    def log_prob(self, x: Tensor) -> Tensor:
        """log (1/K) Σ_k p(x, x_1…x_T)/q(x_1…x_T|x) over K trajectories of q: a lower bound in expectation.

        The trajectories come from a random source of their own, the same in every call.
        """
        rng = Generator(x.device).manual_seed(0)
        weights = [self.trajectory_weight(self.space.signed(x), rng) for _ in range(self.importance)]
        return importance_weighted(torch.stack(weights))

    def trajectory_weight(self, start: Tensor, rng: Generator) -> Tensor:
        """log p(x_0…x_T) − log q(x_1…x_T|x_0) for one trajectory of q, drawn from its end: (n,) nats.

        Its mean is the paper's bound, eq. 5, one summand for each of its terms, L_T first and L_0 last.
        """

        def draw() -> Tensor:
            return torch.randn(start.shape, generator=rng, device=start.device)

        signal, noise = self.alpha_bar[-1], draw()
        x = signal.sqrt() * start + (1 - signal).sqrt() * noise
        weight = 0.5 * (noise.square() - x.square() + (1 - signal).log())
        for t in range(self.timesteps, 1, -1):
            step, noise = self.steps[t], draw()
            guess = step.mean(self.start(x, t), x)
            x = step.mean(start, x) + step.posterior_std * noise
            error = (x - guess) / step.std
            weight = (
                weight + 0.5 * (noise.square() - error.square()) + math.log(step.posterior_std / step.std)
            )
        last = self.steps[1]
        mean = last.mean(self.start(x, 1), x)
        weight = weight + level_log_prob(start, mean, last.std, self.space.levels)
        return weight.flatten(1).sum(1)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        """On the levels of the data, as p(x_0|x_1) is."""

        def draw() -> Tensor:
            return torch.randn(n, *self.space.shape, generator=rng, device=rng.device)

        x = draw()
        for t in range(self.timesteps, 0, -1):
            x = self.steps[t].mean(self.start(x, t), x) + self.steps[t].std * draw()
        return self.space.to_unit(self.space.to_levels(self.space.unsigned(x)))
