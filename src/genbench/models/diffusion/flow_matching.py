"""Flow matching (Lipman et al., 2023), arXiv:2210.02747.  dx/dt = v_θ(x, t) carries noise at t = 0 to data at t = 1.

On the straight paths x_t = (1 − t) x_0 + t x_1 the field is learnt by regression, min E‖v_θ(x_t, t) − (x_1 − x_0)‖².
Which noise x_0 goes to which data x_1: drawn independently, or by optimal transport within a batch (Tong et al., 2024,
arXiv:2302.00482); and, in a second phase, where the first field itself carries it (Liu et al., 2023, arXiv:2209.03003).
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector

from genbench.capabilities import Measure
from genbench.core import Batch, Objective, Phase, Space, Splits
from genbench.nn.continuous import ContinuousDensity, standard_normal
from genbench.nn.priors import GaussianPrior
from genbench.nn.probability_flow import carried, euler, integrate, midpoint, runge_kutta
from genbench.nn.schedules import cosine
from genbench.nn.timed import TimedNetwork

SOLVERS = {
    "euler": (euler, 1),
    "midpoint": (midpoint, 2),
    "runge_kutta": (runge_kutta, 4),
}  # evaluations a step
MEASURED, SHOWN, MOMENTS = 512, 6, 6


def independent(noise: Tensor, data: Tensor) -> Tensor:
    return noise


def optimal_transport(noise: Tensor, data: Tensor) -> Tensor:
    """The noise (n, D), in the order in which Σ_i ‖noise_i − data_i‖² is least."""
    from scipy.optimize import linear_sum_assignment

    _, chosen = linear_sum_assignment(torch.cdist(data, noise).square().cpu().numpy())
    return noise[torch.from_numpy(chosen).to(noise.device)]


COUPLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "independent": independent,
    "optimal_transport": optimal_transport,
}


class FlowMatching(GaussianPrior, ContinuousDensity):
    """Residual perceptrons or a U-Net for v, given t.

    coupling: of noise and data in a batch.  reflow: share of the steps in which the field is trained again, on pairs
    that it has made itself, whose paths cross less and so are straighter.  solver, evaluations: how a sample is
    carried, and with how many evaluations of v.  density_steps: Runge–Kutta steps of `log_prob`.  importance: draws of
    the dequantisation noise, for data with levels.
    """

    first_field: Tensor  # its parameters, of which the second phase makes its pairs
    tiny: ClassVar = {
        "evaluations": 20,
        "network": "perceptrons",
        "width": 16,
        "blocks": 1,
        "density_steps": 3,
        "importance": 200,
    }

    def __init__(
        self,
        space: Space,
        *,
        coupling: Literal["independent", "optimal_transport"] = "independent",
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
        self.step, cost = SOLVERS[solver]
        if evaluations < cost or evaluations % cost:
            raise ValueError(f"evaluations: got {evaluations}; expected a multiple of {cost} with {solver}")
        if not 0 <= reflow < 1:
            raise ValueError(f"reflow: got {reflow}; expected a share of the steps, 0 to below 1")
        self.latent, self.couple, self.reflow, self.lr = space.dimensions, COUPLINGS[coupling], reflow, lr
        self.times = torch.linspace(0, 1, evaluations // cost + 1)
        self.density_times = torch.linspace(1, 0, density_steps + 1)
        self.field = TimedNetwork(space, network, width, blocks, dropout=0.0)
        if reflow:
            self.register_buffer(
                "first_field", torch.zeros_like(parameters_to_vector(self.field.parameters()).detach())
            )

    def regression(self, start: Tensor, end: Tensor) -> Tensor:
        """‖v_θ(x_t, t) − (x_1 − x_0)‖², a mean over values, at a time drawn for each pair."""
        t = torch.rand(len(end), 1, device=end.device)
        return F.mse_loss(self.field(start + t * (end - start), t[:, 0]), end - start)

    def loss(self, batch: Batch) -> Tensor:
        end, _ = self.points(batch.x)
        return self.regression(self.couple(torch.randn_like(end), end), end)

    @torch.no_grad()
    def remember(self, splits: Splits) -> None:
        self.first_field.copy_(parameters_to_vector(self.field.parameters()))

    def first(self, x: Tensor, t: Tensor) -> Tensor:
        """The field as the first phase left it."""
        named = dict(self.field.named_parameters())
        parts = self.first_field.split([parameter.numel() for parameter in named.values()])
        before = {name: part.view_as(named[name]) for name, part in zip(named, parts, strict=True)}
        found: Tensor = functional_call(self.field, before, (x, t))
        return found

    def reflow_loss(self, batch: Batch) -> Tensor:
        """Noise, and where the first field carries it: of the batch only the number counts."""
        start = self.prior(len(batch.x), device=batch.x.device)
        with torch.no_grad():
            end = integrate(self.first, start, self.times, self.step)
        return self.regression(start, end)

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
        """How straight the paths are: 0 where one step of Euler's would do."""
        z = self.prior(MEASURED, rng=rng)
        times = torch.linspace(0, 1, 33).tolist()
        x, bends = z, []
        for now, after in pairwise(times):
            bends.append(self.field(x, x.new_full((len(x),), now)))
            x = midpoint(self.field, x, now, after - now)
        bent = (torch.stack(bends) - (x - z)).square().sum(2).mean(0)
        meaning = (
            "∫‖(x₁ − x₀) − v(x_t, t)‖² dt along a path, as a share of the mean ‖x₁ − x₀‖² "
            "(Liu et al., 2023): 0 for straight paths, which one step would follow."
        )
        return {"bend of the paths": Measure(bent / (x - z).square().sum(1).mean(), meaning, "down")}

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
