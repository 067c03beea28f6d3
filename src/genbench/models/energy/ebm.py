"""Energy-based model by Langevin dynamics (Du & Mordatch, 2019), arXiv:1903.08689.  p(x) = exp(−E(x)/T)/Z on [0, 1]^D.

Maximum likelihood lowers the energy of data x⁺ and raises that of samples x⁻: L = E(x⁺) − E(x⁻) + α (E(x⁺)² + E(x⁻)²).
x⁻ come from chains that a replay buffer keeps, x' = x − η ∇E(x) + √(2ηT) ξ.  The paper's pair of step and noise is a
temperature, T = noise²/2η; here T is what is given, so that the density that is learned is the one that is sampled.
Of images p is that of y = x + σ ξ, smooth enough for steps of a useful length, and a sample jumps from its y to
E[x|y] = y + σ² ∇ log p(y) (Saremi & Hyvärinen, 2019, arXiv:1903.02334).
"""

from functools import partial
from itertools import islice
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from genbench.capabilities import Measure
from genbench.core import Batch, GenerativeModel, Objective, Phase, Space, Splits
from genbench.nn.energies import NETWORKS, perceptrons
from genbench.nn.langevin import ReplayBuffer, Smoothing, chain_measures, langevin_chain, restarted
from genbench.nn.plane import log_integral
from genbench.nn.schedules import cosine

GRID = 512  # places a side that Z of points in the plane is summed over
CHAINS, LONGER = 200, 4  # chains that are measured, and how much longer a long one is
SHOWN = 8  # chains in a picture


class EBM(GenerativeModel):
    """Images and points.

    smoothing: σ; the box of the chains is 2 σ wider than that of the data on every side.
    scale: what the network sees is in [−scale, scale]; sharp modes need more than 1.  step: η.  temperature: T.
    chain: K, the steps of a chain before each update.  buffer: chains kept, of which `fresh` start again from uniform
    noise whenever they are drawn.  restarts: how many such starts are offered to a chain before it moves, and taken
    with Metropolis' probability, so that they leave p as it is; among many dimensions none is ever taken.
    penalty: α.  sampling: how often a chain from noise goes through `restarts` and K steps before it is a sample.

    In the plane Z is a sum over a grid and the likelihood exact, elsewhere Z is unknown.
    """

    tiny: ClassVar = {"width": 16, "layers": 1, "chain": 4, "buffer": 64, "sampling": 3}
    exact: bool
    log_z: Tensor

    def __init__(
        self,
        space: Space,
        *,
        network: Literal["convolutions", "perceptrons"] = "convolutions",
        width: int = 32,
        layers: int = 2,
        smoothing: float = 0.0,
        scale: float = 1.0,
        step: float = 2e-4,
        temperature: float = 1.0,
        chain: int = 60,
        buffer: int = 10_000,
        fresh: float = 0.05,
        restarts: int = 0,
        penalty: float = 0.1,
        sampling: int = 10,
        lr: float = 1e-4,
    ) -> None:
        super().__init__(space)
        if space.kind not in ("image", "points"):
            raise ValueError(
                f"kind={space.kind!r}: Langevin dynamics moves images or points, values that can move"
            )
        self.scale, self.step, self.temperature, self.chain = scale, step, temperature, chain
        self.restarts, self.penalty, self.sampling, self.lr = restarts, penalty, sampling, lr
        self.smoothing = Smoothing(smoothing)
        kind = NETWORKS[network] if space.kind == "image" else perceptrons
        self.network = kind(space, width, layers)
        self.buffer = ReplayBuffer(buffer, space.shape, fresh)
        self.register_buffer("log_z", torch.zeros((), dtype=torch.float64))
        if space.kind == "points" and space.dimensions == 2 and not smoothing:
            self.exact = True  # which makes `log_prob` a likelihood, here alone

    def energy(self, y: Tensor) -> Tensor:
        """(n, *shape) in [0, 1] -> E, (n,)."""
        return self.network(self.scale * self.space.signed(y))[:, 0]

    def codes(self, x: Tensor) -> Tensor:
        """What the energy's last layer reads, (n, k)."""
        return self.network[:-1](self.scale * self.space.signed(x))

    def jumped(self, y: Tensor) -> Tensor:
        """E[x|y]; without smoothing y itself."""
        return self.smoothing.jump(y, lambda at: self.energy(at) / self.temperature)

    def moved(self, y: Tensor, rng: Generator | None = None) -> Tensor:
        """Restarts, then K steps: (n, *shape)."""
        y = restarted(self.energy, y, times=self.restarts, temperature=self.temperature, rng=rng)
        steps = langevin_chain(self.energy, y, step=self.step, temperature=self.temperature, rng=rng)
        return next(islice(steps, self.chain - 1, None))

    def loss(self, batch: Batch) -> Tensor:
        """E(x⁺) − E(x⁻) + α (E(x⁺)² + E(x⁻)²), each a mean."""
        places, y = self.buffer.draw(len(batch.x))
        y = self.moved(y)
        self.buffer.put(places, y)
        data, chains = self.energy(self.smoothing.blur(batch.x)), self.energy(y)
        return data.mean() - chains.mean() + self.penalty * (data.square().mean() + chains.square().mean())

    @torch.no_grad()
    def normalise(self, splits: Splits) -> None:
        """log Z by the midpoint rule, in the plane."""
        if self.space.kind == "points" and self.space.dimensions == 2:
            self.log_z.copy_(
                log_integral(lambda y: -self.energy(y) / self.temperature, GRID, self.log_z.device)
            )

    def phases(self) -> list[Phase]:
        adam = partial(torch.optim.Adam, lr=self.lr)
        learn = Objective("divergence", list(self.parameters()), self.loss, adam, schedule=cosine)
        return [Phase("divergence", (learn,)), Phase("partition function", fit=self.normalise)]

    def log_prob(self, x: Tensor) -> Tensor:
        """−E(x)/T − log Z, in the plane, where Z is known."""
        return -self.energy(x) / self.temperature - self.log_z

    def run(self, n: int, rounds: int, rng: Generator) -> Tensor:
        """n chains from uniform noise: where they stand after each round, (1 + rounds, n, *shape)."""
        y = [torch.rand(n, *self.space.shape, generator=rng, device=rng.device)]
        for _ in range(rounds):
            y.append(self.moved(y[-1], rng))
        return torch.stack(y)

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.jumped(self.run(n, self.sampling, rng)[-1])

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """Whether chains have arrived when they are taken as samples: in energy, and in place."""
        y = self.run(CHAINS, self.sampling * LONGER, rng)
        short, long = y[self.sampling], y[-1]
        real = self.smoothing.blur(splits.held_out.some().x[:CHAINS])
        return chain_measures(lambda at: self.energy(at) / self.temperature, short, long, real, LONGER)

    @torch.no_grad()
    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Rows are chains; columns moments of them."""
        y = self.run(SHOWN, self.sampling * LONGER, rng)
        at = [round(self.sampling * share) for share in (0, 0.1, 0.2, 0.4, 0.7, *range(1, LONGER + 1))]
        caption = f"Chains from noise, to a sample in the sixth column, and on until {LONGER} times as long"
        return {caption: self.jumped(y[at].flatten(0, 1)).unflatten(0, (len(at), SHOWN)).transpose(0, 1)}
