"""DDPM (Ho et al., 2020), arXiv:2006.11239.  A Markov chain from noise to data, learned by predicting the noise.

Forward, q(x_t|x_0) = N(√ᾱ_t x_0, (1 − ᾱ_t) I); reverse, p(x_{t−1}|x_t) = N(μ_θ(x_t, t), σ_t² I) from p(x_T) = N(0, I).
Training minimises E‖ε − ε_θ(√ᾱ_t x_0 + √(1 − ᾱ_t) ε, t)‖² over uniform t (paper, eq. 14).  x is in [−1, 1] throughout.
"""

import math
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Batch, GenerativeModel, Objective, Phase, Space
from genbench.nn.schedules import cosine
from genbench.nn.unet import Perceptron, UNet, time_features


def linear_schedule(timesteps: int) -> Tensor:
    """β from 1e-4 to .02 in 1000 steps (paper, section 4); with fewer, as much noise in all.  -> ᾱ_1 … ᾱ_T."""
    beta = torch.linspace(1e-4, 0.02, timesteps, dtype=torch.float64) * (1000 / timesteps)
    return (1 - beta.clamp(max=0.999)).cumprod(0)


def cosine_schedule(timesteps: int) -> Tensor:
    """ᾱ_t = f(t)/f(0), f(t) = cos²(π/2 · (t/T + .008)/1.008) (Nichol & Dhariwal, 2021, arXiv:2102.09672, eq. 17)."""
    t = torch.arange(timesteps + 1, dtype=torch.float64) / timesteps
    f = ((t + 0.008) / 1.008 * math.pi / 2).cos().square()
    return (f[1:] / f[:-1]).clamp(min=0.001).cumprod(0)


NETWORKS: dict[str, Any] = {"convolutions": UNet, "perceptrons": Perceptron}
SCHEDULES = {"linear": linear_schedule, "cosine": cosine_schedule}


class Step(NamedTuple):
    """From t to t − 1: q(x_{t−1}|x_t, x_0) = N(from_start · x_0 + from_here · x_t, β̃_t) (paper, eq. 6 and 7)."""

    from_start: float
    from_here: float
    posterior_std: float  # √β̃_t, 0 for t = 1
    std: float  # σ_t

    def mean(self, start: Tensor, x: Tensor) -> Tensor:
        return self.from_start * start + self.from_here * x


def steps_of(alpha_bar: list[float], variance: float) -> list[Step]:
    """The steps for t = 1 … T, behind one for t = 0 that nobody takes; σ_t² = β_t^v β̃_t^(1−v)."""
    steps = [Step(0.0, 0.0, 0.0, 0.0)]
    for before, after in pairwise(alpha_bar):
        beta = 1 - after / before
        posterior = beta * (1 - before) / (1 - after)
        from_start, from_here = (
            beta * before**0.5 / (1 - after),
            (1 - beta) ** 0.5 * (1 - before) / (1 - after),
        )
        # β̃_1 is 0, but p(x_0|x_1) needs a width.
        spread = beta**variance * posterior ** (1 - variance) if posterior else beta
        steps.append(Step(from_start, from_here, posterior**0.5, spread**0.5))
    return steps


def level_log_prob(x: Tensor, mean: Tensor, std: float, levels: int) -> Tensor:
    """log p(x_0|x_1), the normal distribution's mass around each level, open at both ends (paper, eq. 13)."""
    half = 1 / (levels - 1)
    below = ((x - half - mean) / std).masked_fill(x < half - 1, -math.inf)
    above = ((x + half - mean) / std).masked_fill(x > 1 - half, math.inf)
    # Φ(b) − Φ(a) = Φ(−a) − Φ(−b): to the left of 0 both keep their precision.
    low, high = torch.where(below > 0, -above, below), torch.where(below > 0, -below, above)
    log_high = torch.special.log_ndtr(high)
    return log_high + torch.log1p(-(torch.special.log_ndtr(low) - log_high).exp())


class DDPM(GenerativeModel):
    """ε-prediction, fixed σ_t, ancestral sampling.

    timesteps: T.  schedule: "linear" or "cosine".  network: "convolutions" or "perceptrons"; flat elements, of shape
    (d,), have the latter in any case.  variance: v in σ_t² = β_t^v β̃_t^(1−v), whose ends are the paper's two choices.
    importance: trajectories of the importance-weighted bound that `log_prob` reports; 1 is the paper's bound.
    """

    exact = False
    alpha_bar: Tensor  # ᾱ_0 … ᾱ_T

    def __init__(
        self,
        space: Space,
        *,
        timesteps: int = 1000,
        schedule: str = "linear",
        network: str = "convolutions",
        width: int = 32,
        blocks: int = 2,
        dropout: float = 0.1,
        variance: float = 1.0,
        importance: int = 1,
        lr: float = 2e-4,
    ) -> None:
        super().__init__(space)
        for key, given, known in (("network", network, NETWORKS), ("schedule", schedule, SCHEDULES)):
            if given not in known:
                raise ValueError(f"{key}: got {given!r}; expected one of {', '.join(sorted(known))}")
        if timesteps < 2:
            raise ValueError(f"timesteps: got {timesteps}; expected at least 2")
        self.timesteps, self.importance, self.width, self.lr = timesteps, importance, width, lr
        alpha_bar = F.pad(SCHEDULES[schedule](timesteps), (1, 0), value=1.0)
        self.steps = steps_of(alpha_bar.tolist(), variance)
        self.register_buffer("alpha_bar", alpha_bar.float(), persistent=False)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        kind = NETWORKS[network] if len(space.shape) == 3 else Perceptron
        self.network = kind(space, width, blocks, dropout)

    def noise_in(self, x: Tensor, t: Tensor) -> Tensor:
        """ε_θ(x_t, t) = √(1 − ᾱ_t) x_t + √ᾱ_t f_θ(x_t, t): (n, *shape), (n,) -> (n, *shape).

        The first summand is the best guess for data of unit normal distribution; f_θ adds what they are besides
        (Salimans & Ho, 2022, arXiv:2202.00512, appendix D).  It sees t on the scale of 1000 steps, whatever T is.
        """
        time = self.time(time_features(t * (1000 / self.timesteps), self.width))
        found = self.network(x, time)
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
        x = 2 * batch.x - 1
        t = torch.randint(1, self.timesteps + 1, (len(x),), device=x.device)
        noise = torch.randn_like(x)
        return F.mse_loss(self.noise_in(self.mix(x, noise, t), t), noise)

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.Adam, lr=self.lr)
        own = list(self.parameters())
        return [Phase("noise", (Objective("noise", own, self.loss, adam, clip=1.0, schedule=cosine),))]

    def log_prob(self, x: Tensor) -> Tensor:
        """log (1/K) Σ_k p(x, x_1…x_T)/q(x_1…x_T|x) over K trajectories of q: a lower bound in expectation.

        The trajectories come from a generator of their own, the same in every call.
        """
        rng = Generator(x.device).manual_seed(0)
        weights = [self.trajectory_weight(2 * x - 1, rng) for _ in range(self.importance)]
        return torch.stack(weights).logsumexp(0) - math.log(self.importance)

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
        return self.space.to_unit(self.space.to_levels((x + 1) / 2))
