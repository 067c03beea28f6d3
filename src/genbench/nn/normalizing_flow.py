"""Invertible maps one after another, over codes whose density is known."""

from collections.abc import Iterable
from functools import partial
from itertools import chain

import torch
from torch import Generator, Tensor, nn

from genbench.capabilities import Measure
from genbench.core import Batch, Objective, Phase, Space, Splits
from genbench.nn.bases import Base
from genbench.nn.continuous import ContinuousDensity
from genbench.nn.flows import Logit, OpenLogit
from genbench.nn.plane import cells
from genbench.nn.schedules import cosine

MEASURED, DIFFERENTIATED = 256, 16  # held-out elements that are inverted, and whose Jacobians are taken
GRID = 512  # places a side over which a density of the plane is summed


def through(maps: Iterable[nn.Module], x: Tensor) -> tuple[Tensor, Tensor]:
    """(n, D) -> where the maps lead, (n, D), and log |det| of all of them, (n,)."""
    total = x.new_zeros(len(x))
    for each in maps:
        x, log_det = each(x)
        total = total + log_det
    return x, total


def back(maps: nn.ModuleList, z: Tensor) -> tuple[Tensor, Tensor]:
    """The inverse of `through`, and log |det| of the inverse, (n,)."""
    total = z.new_zeros(len(z))
    for each in reversed(maps):
        z, log_det = each.inverse(z)  # type: ignore[operator]
        total = total + log_det
    return z, total


class NormalizingFlow(ContinuousDensity):
    """log p(x) = log base(z) + log |det ∂z/∂x|, trained by maximum likelihood.

    A subclass gives `base`, a density of codes, and `maps`, which lead from standardised points to codes.  Each has
    `forward` and `inverse`, both of which give the mapped values (n, D) and log |det| of what they did, (n,).

    alpha: levels go through logit(α + (1 − 2α) x) with open ends, and points through logit(x), so that [0, 1]^D becomes
    all of R^D.
    """

    maps: nn.ModuleList
    base: Base
    logit: Logit | OpenLogit

    def __init__(
        self, space: Space, *, alpha: float, importance: int, lr: float, weight_decay: float
    ) -> None:
        super().__init__(space, importance=importance)
        if space.dimensions < 2:
            raise ValueError(f"shape={space.shape}: one value moves another; expected at least 2")
        if not 0 < alpha < 0.5:
            raise ValueError(f"alpha: got {alpha}; expected a number between 0 and 0.5")
        self.logit = Logit(0.0) if self.exact else OpenLogit(alpha, space.levels)
        self.estimated, self.likelihoods_at_most = False, None
        self.lr, self.weight_decay = lr, weight_decay

    @torch.no_grad()
    def standardise(self, splits: Splits) -> None:
        """A mean and a deviation for each value."""
        y = self.unbounded(splits.train.some().x)[0]
        self.mean.copy_(y.mean(0))
        self.deviation.copy_(y.std(0).clamp_min(1e-3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, D) dequantised, in (0, 1)^D -> codes z (n, D) and log |det ∂z/∂x|, (n,)."""
        points, log_det = self.standardised(*self.logit.forward(x))
        z, more = through(self.maps, points)
        return z, log_det + more

    def codes(self, x: Tensor) -> Tensor:
        """z, of levels that of the middles of their cells: (n, *shape) in [0, 1] -> (n, D)."""
        return self(self.dequantisation.middles(x))[0]

    def inverse(self, z: Tensor) -> Tensor:
        """(n, D) codes -> (n, D) in [0, 1]."""
        return self.bounded(back(self.maps, z)[0])

    def density(self, points: Tensor, rng: Generator | None = None) -> Tensor:
        return self.density_by(self.maps, points)

    def density_by(self, maps: nn.ModuleList, points: Tensor) -> Tensor:
        """log p of standardised points under some maps, (n, D) -> (n,) nats."""
        z, log_det = through(maps, points)
        return self.base.log_prob(z) + log_det

    def nll(self, maps: nn.ModuleList, batch: Batch) -> Tensor:
        """Nats per value, of the standardised points."""
        return -self.density_by(maps, self.points(batch.x)[0]).mean() / self.space.dimensions

    def likelihood(self, maps: nn.ModuleList, name: str, share: float = 1.0) -> Phase:
        """Maximum likelihood of the codes' density and of some maps."""
        adam = partial(torch.optim.AdamW, lr=self.lr, weight_decay=self.weight_decay)
        own = list(chain(maps.parameters(), self.base.parameters()))
        nll = Objective("nll", own, partial(self.nll, maps), adam, clip=5.0, schedule=cosine)
        return Phase(name, (nll,), share=share)

    def phases(self) -> list[Phase]:
        return [Phase("standardise", fit=self.standardise), self.likelihood(self.maps, "likelihood")]

    def prior(self, n: int, *, rng: Generator | None = None, device: torch.device | None = None) -> Tensor:
        """(n, D) codes, from `rng` on its device, or from the training's own random state."""
        return self.base.sample(n, rng=rng, device=rng.device if rng is not None else device)

    def decode(self, z: Tensor) -> Tensor:
        """(n, D) -> (n, *shape): the level in whose cell the point lies, or the point itself."""
        return self.dequantisation.values(self.inverse(z))

    def sample(self, n: int, condition: Tensor | None = None, *, rng: Generator) -> Tensor:
        return self.decode(self.prior(n, rng=rng))

    @torch.no_grad()
    def measure(self, splits: Splits, *, rng: Generator) -> dict[str, Measure]:
        """What makes a flow one, on held-out elements: it is inverted, and its Jacobian and total mass are right."""
        x = self.dequantisation.points(splits.held_out.some().x[:MEASURED], rng)
        z, log_det = self(x)
        found = {
            "error of the inverse": Measure(
                (self.inverse(z) - x).abs().amax(1),
                "Largest |f⁻¹(f(x)) − x| of an element's values, which are in [0, 1], in single precision.",
                "down",
            ),
            "error of the log-determinant": Measure(
                (log_det[:DIFFERENTIATED] - self.differentiated(x[:DIFFERENTIATED])).abs(),
                "In nats, against the determinant of the Jacobian that automatic differentiation gives.",
                "down",
            ),
        }
        if self.exact and self.space.dimensions == 2:
            masses = [self.log_prob(part).double().exp().sum() for part in cells(GRID, x.device)]
            meaning = f"The density, summed over {GRID} × {GRID} cells of the unit square: 1."
            found["mass on a grid"] = Measure(torch.stack(masses).sum()[None] / GRID**2, meaning)
        return found

    def differentiated(self, x: Tensor) -> Tensor:
        """log |det ∂z/∂x| by automatic differentiation, (n, D) -> (n,)."""
        with torch.enable_grad():  # elements do not see each other: of the sum over them a row is one's own
            rows = torch.autograd.functional.jacobian(lambda x: self(x)[0].sum(0), x, vectorize=True)
        return rows.transpose(0, 1).slogdet()[1]  # (D, n, D) -> (n,)
