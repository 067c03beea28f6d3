"""Flow matching (Lipman et al., 2023), arXiv:2210.02747.  dx/dt = v_θ(x, t) carries noise at t = 0 to data at t = 1.

On the straight paths x_t = (1 − t) x_0 + t x_1 the field is learnt by regression, min E‖v_θ(x_t, t) − (x_1 − x_0)‖².
Which noise x_0 goes to which data x_1: drawn independently, or by optimal transport within a batch (Tong et al., 2024,
arXiv:2302.00482); and, in a second phase, where the first field itself carries it (Liu et al., 2023, arXiv:2209.03003).
"""

from functools import partial
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genbench.capabilities import Measure
from genbench.core import Batch, Objective, Phase, Space, Splits, at_once
from genbench.nn.continuous import ContinuousDensity, standard_normal
from genbench.nn.couplings import COUPLINGS, TIMES
from genbench.nn.priors import GaussianPrior
from genbench.nn.probability_flow import (
    EVALUATIONS,
    bend,
    carried,
    euler,
    integrate,
    midpoint,
    pairs_of,
    runge_kutta,
)
from genbench.nn.schedules import cosine
from genbench.nn.snapshots import Snapshot
from genbench.nn.timed import TimedNetwork

SOLVERS = {"euler": euler, "midpoint": midpoint, "runge_kutta": runge_kutta}
MEASURED, SHOWN, MOMENTS = 256, 6, 6
PAIRS = 8192  # of noise and what a first field makes of it, from which the second is learnt


class FlowMatching(GaussianPrior, ContinuousDensity):
    """Residual perceptrons or a U-Net for v, given t.

    coupling: of noise and data in a batch.  times: how often each is trained; logit_spread: the deviation of logit t.
    reflow: share of the steps in which the field is trained again, on pairs that it has made itself, whose paths cross
    less and so are straighter.  solver, evaluations: how a sample is carried, and with how many evaluations of v.
    density_steps: Runge–Kutta steps of `log_prob`.  importance: draws of the dequantisation noise of data with levels.
    """

    tiny: ClassVar = {
        "evaluations": 20,
        "network": "perceptrons",
        "width": 16,
        "blocks": 1,
        "density_steps": 3,
        "importance": 80,
    }

    def __init__(
        self,
        space: Space,
        *,
        coupling: Literal["independent", "optimal_transport"] = "independent",
        times: Literal["uniform", "logit_normal"] = "uniform",
        logit_spread: float = 1.0,
        reflow: float = 0.0,
        solver: Literal["euler", "midpoint", "runge_kutta"] = "midpoint",
        evaluations: int = 100,
        network: Literal["convolutions", "perceptrons"] = "convolutions",
        width: int = 32,
        blocks: int = 2,
        density_steps: int = 20,
        importance: int = 1,
        lr: float = 1e-3,
    ) -> None:
        super().__init__(space, importance=importance)
        self.step = SOLVERS[solver]
        cost = EVALUATIONS[self.step]
        if evaluations < cost or evaluations % cost:
            raise ValueError(f"evaluations: got {evaluations}; expected a multiple of {cost} with {solver}")
        if not 0 <= reflow < 1:
            raise ValueError(f"reflow: got {reflow}; expected a share of the steps, 0 to below 1")
        self.latent, self.couple, self.reflow, self.lr = space.dimensions, COUPLINGS[coupling], reflow, lr
        self.draw_times = partial(TIMES[times], logit_spread)
        self.times = torch.linspace(0, 1, evaluations // cost + 1)
        self.density_times = torch.linspace(1, 0, density_steps + 1)
        self.field = TimedNetwork(space, network, width, blocks, dropout=0.0)
        self.first_field = Snapshot(self.field) if reflow else None
        self.pairs: tuple[Tensor, Tensor] | None = None  # made again by a training that is resumed, the same

    def regression(self, start: Tensor, end: Tensor) -> Tensor:
        """‖v_θ(x_t, t) − (x_1 − x_0)‖², a mean over values, at a time drawn for each pair."""
        t = self.draw_times(torch.empty(len(end), 1, device=end.device))
        return F.mse_loss(self.field(start + t * (end - start), t[:, 0]), end - start)

    def loss(self, batch: Batch) -> Tensor:
        end, _ = self.points(batch.x)
        return self.regression(self.couple(torch.randn_like(end), end), end)

    def remember(self, splits: Splits) -> None:
        assert self.first_field is not None
        self.first_field.take(self.field)

    def reflow_loss(self, batch: Batch) -> Tensor:
        """Noise, and where the first field carries it: of the batch only the number counts."""
        assert self.first_field is not None
        if self.pairs is None:
            noise = self.prior(PAIRS, rng=Generator(batch.x.device).manual_seed(0))
            self.pairs = pairs_of(partial(self.first_field, self.field), noise, at_once(self.space))
        drawn = torch.randint(len(self.pairs[0]), (len(batch.x),), device=batch.x.device)
        return self.regression(*(side[drawn] for side in self.pairs))

    def phases(self) -> list[Phase]:
        adam, own = partial(torch.optim.Adam, lr=self.lr), list(self.field.parameters())
        field = Objective("field", own, self.loss, adam, clip=1.0, schedule=cosine)
        again = Objective("reflow", own, self.reflow_loss, adam, clip=1.0, schedule=cosine)
        first = [Phase("standardise", fit=self.standardise), Phase("field", (field,), share=1 - self.reflow)]
        if not self.reflow:
            return first
        return [*first, Phase("remembered", fit=self.remember), Phase("reflow", (again,), share=self.reflow)]

    def density(self, points: Tensor, rng: Generator) -> Tensor:
        noise, change = carried(self.field, points, self.density_times, runge_kutta, rng)
        return standard_normal(noise) + change

    def decode(self, z: Tensor) -> Tensor:
        return self.elements(integrate(self.field, z, self.times, self.step))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """How straight the paths are."""
        bends = bend(self.field, self.prior(MEASURED, rng=rng), torch.linspace(0, 1, 33))
        meaning = (
            "∫‖(x₁ − x₀) − v(x_t, t)‖² dt along a path, as a share of the mean ‖x₁ − x₀‖² "
            "(Liu et al., 2023): 0 for straight paths, which one step would follow."
        )
        return {"bend of the paths": Measure(bends, meaning, "down")}

    def show(self, splits: Splits, *, rng: Generator) -> dict[str, Tensor]:
        """Rows are samples, columns times from 0 to 1."""
        times = torch.linspace(0, 1, 51)
        x = self.prior(SHOWN, rng=rng)
        columns = [x]
        for part in times[1:].reshape(MOMENTS - 1, -1):
            before = columns[-1]
            grid = torch.cat([part[:1] - times[1], part])
            columns.append(integrate(self.field, before, grid, midpoint))
        return {
            "From noise to data, at equal steps of time": torch.stack([self.elements(x) for x in columns], 1)
        }
