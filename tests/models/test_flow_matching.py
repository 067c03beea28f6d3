"""Fields that carry noise to data: solvers, densities, couplings."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Generator, Tensor

from genbench.core import Batch, Space
from genbench.models.diffusion.flow_matching import FlowMatching
from genbench.nn import continuous, couplings, probability_flow
from genbench.nn.couplings import TIMES, optimal_transport
from genbench.nn.probability_flow import bend, carried, divergence, euler, integrate, midpoint, runge_kutta


def swirl(x: Tensor, t: Tensor) -> Tensor:
    """No symmetry, and a divergence that depends on place and time."""
    return torch.stack([x[:, 1] * t - x[:, 0].sin(), x[:, 0] * x[:, 1] - t], 1)


@pytest.mark.parametrize(("step", "order"), [(euler, 1), (midpoint, 2), (runge_kutta, 4)])
def test_the_error_falls_with_the_order_of_the_solver(step: Any, order: int) -> None:
    x = torch.tensor([[0.3, -0.7]], dtype=torch.float64)

    def right(t: float, y: np.ndarray) -> np.ndarray:
        return swirl(torch.tensor(y)[None], torch.tensor([t], dtype=torch.float64))[0].numpy()

    exact = solve_ivp(right, (0, 1), x[0].numpy(), rtol=1e-12, atol=1e-13).y[:, -1]
    errors = []
    for count in (16, 32):
        times = torch.linspace(0, 1, count + 1, dtype=torch.float64)
        errors.append(np.abs(integrate(swirl, x, times, step)[0].numpy() - exact).max())
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.15)


def test_a_divergence_is_the_trace_of_the_jacobian() -> None:
    x = torch.randn(6, 2, generator=Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    t = torch.full((6,), 0.4, dtype=torch.float64)
    jacobians = torch.autograd.functional.jacobian(lambda x: swirl(x, t).sum(0), x).permute(1, 0, 2)
    trace = jacobians.diagonal(dim1=1, dim2=2).sum(1)
    assert torch.allclose(divergence(swirl(x, t), x, None), trace)
    signs = itertools.product((-1.0, 1.0), repeat=2)  # all probes there are: their mean is exact
    probes = [torch.tensor(each, dtype=torch.float64).expand(6, 2) for each in signs]
    mean = torch.stack([divergence(swirl(x, t), x, probe) for probe in probes]).mean(0)
    assert torch.allclose(mean, trace)


@pytest.mark.parametrize("summable", [16, 0], ids=["summed", "estimated"])
def test_noise_carried_by_a_known_field_has_the_known_density(
    monkeypatch: pytest.MonkeyPatch, summable: int
) -> None:
    """x_t = (1 + 2 t) z has v = 2 x / (1 + 2 t) and ends as N(0, 9 I); one probe is exact, as ∂v/∂x is diagonal."""
    monkeypatch.setattr(probability_flow, "SUMMABLE", summable)
    x = 3 * torch.randn(7, 4, generator=Generator().manual_seed(0), dtype=torch.float64)
    times = torch.linspace(1, 0, 41, dtype=torch.float64)
    noise, change = carried(lambda x, t: 2 * x / (1 + 2 * t[:, None]), x, times, runge_kutta, Generator())
    expected = torch.distributions.Normal(0.0, 3.0).log_prob(x).sum(1)
    assert torch.allclose(continuous.standard_normal(noise) + change, expected, atol=1e-5)


def test_optimal_transport_is_the_cheapest_of_all_pairings() -> None:
    rng = Generator().manual_seed(0)
    noise, data = torch.randn(5, 3, generator=rng), torch.randn(5, 3, generator=rng)
    costs = {
        order: float((noise[list(order)] - data).square().sum()) for order in itertools.permutations(range(5))
    }
    best = min(costs, key=lambda order: costs[order])
    assert torch.equal(optimal_transport(noise, data), noise[list(best)])
    assert best != tuple(range(5))


def test_long_batches_are_paired_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    noise, data = torch.randn(7, 3), torch.randn(7, 3)
    monkeypatch.setattr(couplings, "BLOCK", 4)
    found = optimal_transport(noise, data)
    monkeypatch.undo()
    blocks = [optimal_transport(noise[part], data[part]) for part in (slice(4), slice(4, 7))]
    assert torch.equal(found, torch.cat(blocks))


def test_the_second_phase_follows_the_first_field(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FlowMatching(Space("points", (2,), 0), reflow=0.5, width=16, blocks=1)
    names = [phase.name for phase in model.phases()]
    assert names == ["standardise", "field", "remembered", "reflow"]
    model.remember(None)  # type: ignore[arg-type]
    x, t = torch.randn(9, 2), torch.rand(9)
    before = model.field(x, t)
    with torch.no_grad():
        for parameter in model.field.parameters():
            parameter.normal_()
    assert model.first_field is not None
    assert torch.equal(model.first_field(model.field, x, t), before)
    assert not torch.equal(model.field(x, t), before)


def test_pairs_are_noise_and_where_the_first_field_carries_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where samples have few evaluations, of which pairs would be wrong."""
    torch.manual_seed(0)
    model = FlowMatching(Space("points", (2,), 0), reflow=0.5, evaluations=2, width=16, blocks=1)
    model.remember(None)  # type: ignore[arg-type]
    pairs: list[tuple[Tensor, Tensor]] = []
    monkeypatch.setattr(model, "regression", lambda start, end: pairs.append((start, end)))
    model.reflow_loss(Batch(torch.zeros(5, 2)))
    ((start, end),) = pairs
    with torch.no_grad():
        expected = integrate(model.field, start, torch.linspace(0, 1, 201), midpoint)
    assert start.shape == (5, 2)
    assert torch.allclose(end, expected, atol=1e-2)
    assert not torch.allclose(start, end, atol=1e-1)


@pytest.mark.parametrize("name", TIMES)
def test_times_have_the_law_that_they_are_named_after(name: str) -> None:
    torch.manual_seed(0)
    t = TIMES[name](0.5, torch.empty(20_000, 1))
    assert t.shape == (20_000, 1)
    quantiles = t.quantile(torch.tensor([0.16, 0.5, 0.84]))
    z = torch.tensor([-0.9945, 0.0, 0.9945])  # of N(0, 1), at the same shares
    expected = (0.5 * z).sigmoid() if name == "logit_normal" else torch.tensor([0.16, 0.5, 0.84])
    assert torch.allclose(quantiles, expected, atol=0.01)


def test_a_bend_is_how_far_a_velocity_strays_from_the_way() -> None:
    """v = 2 t c leads along a line by c, at a speed that strays by ∫(2t − 1)² dt = 1/3; v = c does not stray."""
    start, c = torch.zeros(3, 2), torch.tensor([1.0, -2.0])
    times = torch.linspace(0, 1, 2001)
    assert torch.allclose(bend(lambda x, t: 2 * t[:, None] * c, start, times), torch.tensor(1 / 3), atol=1e-3)
    assert torch.allclose(bend(lambda x, t: c.expand(len(x), 2), start, times), torch.tensor(0.0), atol=1e-6)


def test_evaluations_are_those_of_the_field() -> None:
    model = FlowMatching(Space("points", (2,), 0), solver="midpoint", evaluations=10, width=16, blocks=1)
    calls: list[int] = []
    model.field.register_forward_hook(lambda *_: calls.append(1))
    model.sample(3, rng=Generator().manual_seed(0))
    assert len(calls) == 10
    with pytest.raises(ValueError, match="expected a multiple of 2 with midpoint"):
        FlowMatching(Space("points", (2,), 0), evaluations=7)


@torch.no_grad()
def test_the_density_of_points_integrates_to_one() -> None:
    torch.manual_seed(0)
    model = FlowMatching(Space("points", (2,), 0), width=16, blocks=1, density_steps=10)
    model.mean.fill_(0.5)
    model.deviation.fill_(0.2)
    side = torch.linspace(-1.5, 2.5, 120)
    total = model.log_prob(torch.cartesian_prod(side, side)).exp().sum() * (side[1] - side[0]) ** 2
    assert float(total) == pytest.approx(1, abs=0.01)
