"""Score-based model in continuous time (Song et al., 2021), arXiv:2011.13456.  dx = f(t) x dt + g(t) dw, t from 0 to 1.

Data x_0 become x_t = α_t x_0 + σ_t ε.  The score s_θ(x, t) ≈ ∇ log p_t(x) is learnt from noise that was added, by
min E‖σ_t s_θ(x_t, t) + ε‖² (Vincent, 2011), and leads back, along dx = (f x − g² s_θ) dt + g dw̄, or without noise along
dx/dt = f x − ½ g² s_θ, the probability flow, which also gives log p(x).
"""

import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.core import Batch, Objective, Phase, Space
from genbench.nn.continuous import ContinuousDensity, standard_normal
from genbench.nn.noising import EARLIEST, NOISINGS, last_scale, time_of
from genbench.nn.probability_flow import carried, integrate, midpoint, runge_kutta
from genbench.nn.schedules import cosine
from genbench.nn.timed import TimedNetwork

TARGET = 0.16  # the corrector's ratio of signal to noise (paper, appendix G)


class ScoreSDE(ContinuousDensity):
    """Residual perceptrons or a U-Net for the noise ε, of which the score is −ε / σ_t.

    noising: the equation.  sampler: the reverse equation by ancestral steps, each after a corrector, a step of
    Langevin's dynamics at the same t; or the probability flow.  scales: steps on the way, denser towards 0.
    density_steps: Runge–Kutta steps of `log_prob`.  importance: draws of the dequantisation noise of data with levels.
    """

    noises = (0.01, 0.05, 0.2)
    tiny: ClassVar = {
        "scales": 20,
        "sampler": "probability_flow",
        "network": "perceptrons",
        "width": 32,
        "blocks": 1,
        "density_steps": 5,
        "importance": 100,
    }

    def __init__(
        self,
        space: Space,
        *,
        noising: Literal["variance_preserving", "variance_exploding"] = "variance_preserving",
        sampler: Literal["predictor_corrector", "probability_flow"] = "predictor_corrector",
        scales: int = 100,
        network: Literal["convolutions", "perceptrons"] = "convolutions",
        width: int = 32,
        blocks: int = 2,
        density_steps: int = 30,
        importance: int = 1,
        lr: float = 1e-3,
    ) -> None:
        super().__init__(space, importance=importance)
        if scales < 2:
            raise ValueError(f"scales: got {scales}; expected at least 2")
        self.noising, self.lr = NOISINGS[noising], lr
        samplers = {"predictor_corrector": self.predicted, "probability_flow": self.flowed}
        self.sampler, self.scales, self.density_steps = samplers[sampler], scales, density_steps
        self.network = TimedNetwork(space, network, width, blocks, dropout=0.0)

    def noise_in(self, x: Tensor, t: Tensor) -> Tensor:
        """ε_θ(x_t, t), (n, D), (n,): what it would be for data of unit normal distribution, and what the network adds.

        The network sees how much noise there is: log σ_t/α_t, from its least to its largest value.
        """
        signal, noise = self.noising.marginal(t[:, None])
        ends = self.noising.marginal(torch.tensor([EARLIEST, 1.0], dtype=x.dtype, device=x.device))
        low, high = (ends[1] / ends[0]).log().tolist()
        place = ((noise / signal).log()[:, 0] - low) / (high - low)
        size = signal.square() + noise.square()
        return noise / size * x + signal / size.sqrt() * self.network(x / size.sqrt(), place)

    def score(self, x: Tensor, t: Tensor) -> Tensor:
        """∇ log p_t of noisy standardised points, (n, D), (n,) -> (n, D)."""
        return -self.noise_in(x, t) / self.noising.marginal(t[:, None])[1]

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        """dx/dt along the probability flow."""
        drift, spread = self.noising.rates(t[:, None])
        return drift * x - 0.5 * spread * self.score(x, t)

    @staticmethod
    def times(steps: int) -> Tensor:
        """steps + 1 times from EARLIEST to 1; cubic, since the score changes fastest where there is little noise."""
        return EARLIEST + (1 - EARLIEST) * torch.linspace(0, 1, steps + 1) ** 3

    def loss(self, batch: Batch) -> Tensor:
        """‖ε_θ − ε‖², a mean over values, at times spread as `times` are."""
        x, _ = self.points(batch.x)
        t = EARLIEST + (1 - EARLIEST) * torch.rand(len(x), 1, device=x.device) ** 3
        signal, noise = self.noising.marginal(t)
        added = torch.randn_like(x)
        return F.mse_loss(self.noise_in(signal * x + noise * added, t[:, 0]), added)

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.Adam, lr=self.lr)
        score = Objective("score", list(self.parameters()), self.loss, adam, clip=1.0, schedule=cosine)
        return [Phase("standardise", fit=self.standardise), Phase("score", (score,))]

    def density(self, points: Tensor, rng: Generator) -> Tensor:
        scale = last_scale(self.noising)
        end, change = carried(self.velocity, points, self.times(self.density_steps), runge_kutta, rng)
        return standard_normal(end / scale) - points.shape[1] * math.log(scale) + change

    def corrected(self, x: Tensor, t: Tensor, rng: Generator) -> Tensor:
        """A step of Langevin's dynamics towards p_t, x + δ s + √(2δ) z, as large as TARGET says (algorithm 5)."""
        score = self.score(x, t)
        z = torch.randn(x.shape, generator=rng, device=x.device)
        size = 2 * (TARGET * z.norm(dim=1).mean() / score.norm(dim=1).mean()) ** 2
        return x + size * score + (2 * size).sqrt() * z

    def predicted(self, x: Tensor, rng: Generator) -> Tensor:
        """The corrector, then an ancestral step: x_s given x_t and the x_0 that the score means (paper, appendix F)."""
        for t, s in self.backwards(x):
            x = self.corrected(x, t, rng)
            (a, noise), (b, less) = (self.noising.marginal(time[:, None]) for time in (t, s))
            start = (x + noise.square() * self.score(x, t)) / a
            between = noise.square() - (a / b * less).square()
            mean = (a / b * less.square() * x + b * between * start) / noise.square()
            x = mean + (between.sqrt() * less / noise) * torch.randn(x.shape, generator=rng, device=x.device)
        last = x.new_full((len(x),), EARLIEST)
        signal, noise = self.noising.marginal(last[:, None])
        return (x + noise.square() * self.score(x, last)) / signal  # what noise is left is taken away

    def flowed(self, x: Tensor, rng: Generator) -> Tensor:
        return integrate(self.velocity, x, self.times(self.scales).flip(0), midpoint)

    def backwards(self, x: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Each time and the next smaller one, (n,) both."""
        for t, s in pairwise(self.times(self.scales).flip(0).tolist()):
            yield x.new_full((len(x),), t), x.new_full((len(x),), s)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        start = torch.randn(n, self.space.dimensions, generator=rng, device=rng.device)
        return self.elements(self.sampler(last_scale(self.noising) * start, rng))

    def log_density_gradient(self, x: Tensor, noise: float) -> Tensor:
        """Points of the data's own unit: with σ/α of that many of their deviations, ∇ log p_σ(x) = α s(α x, t)."""
        t = time_of(self.noising, noise / float(self.deviation[0])).to(x).expand(len(x))
        signal, _ = self.noising.marginal(t[:, None])
        points = (x.flatten(1) - self.mean) / self.deviation
        return (signal * self.score(signal * points, t) / self.deviation).view_as(x)
