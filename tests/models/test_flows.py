"""A flow is a bijection whose Jacobian it knows."""

import math
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from genbench.capabilities import Latent, capability
from genbench.core import Batch, Space, Splits
from genbench.models.flows.realnvp import RealNVP
from genbench.nn import normalizing_flow
from genbench.nn.flows import Logit, OpenLogit

IMAGES = Space("image", (1, 2, 4), 5)
COLOURED = Space("image", (3, 2, 2), 256)
POINTS = Space("points", (3,), 0)
SPACES = [IMAGES, COLOURED, POINTS]
NAMES = ["grey", "coloured", "points"]


def far_from_identity(cls: Any, space: Space, **options: Any) -> Any:
    """A flow in which every part of the Jacobian shows."""
    torch.manual_seed(0)
    model = cls(space, hidden=16, **options).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.25)
        model.mean.normal_()
        model.deviation.uniform_(0.5, 2)
    return model.eval()


def flow(space: Space, *, additive: bool = False) -> RealNVP:
    found: RealNVP = far_from_identity(RealNVP, space, couplings=6, additive=additive)
    return found


def inside(space: Space, n: int) -> Tensor:
    """Dequantised data, in (0, 1)."""
    noise = torch.randn(n, space.dimensions, generator=Generator().manual_seed(1), dtype=torch.float64)
    return noise.sigmoid()


@pytest.mark.parametrize("additive", [False, True], ids=["affine", "additive"])
@pytest.mark.parametrize("space", SPACES, ids=NAMES)
@torch.no_grad()
def test_the_inverse_inverts(space: Space, additive: bool) -> None:
    model, x = flow(space, additive=additive), inside(space, 20)
    z, _ = model(x)
    assert torch.allclose(model.inverse(z), x, atol=1e-8)
    single = model.float()
    assert torch.allclose(single.inverse(single(x.float())[0]), x.float(), atol=1e-5)


@pytest.mark.parametrize("additive", [False, True], ids=["affine", "additive"])
@pytest.mark.parametrize("space", SPACES, ids=NAMES)
def test_the_log_determinant_is_that_of_the_jacobian(space: Space, additive: bool) -> None:
    model, points = flow(space, additive=additive), inside(space, 5)
    for x in points:
        jacobian = torch.autograd.functional.jacobian(lambda row: model(row[None])[0][0], x)
        assert float(model(x[None])[1].detach()) == pytest.approx(float(jacobian.slogdet()[1]), abs=1e-8)


@pytest.mark.parametrize("additive", [False, True], ids=["affine", "additive"])
def test_every_code_depends_on_every_value(additive: bool) -> None:
    jacobian = torch.autograd.functional.jacobian(
        lambda row: flow(IMAGES, additive=additive)(row[None])[0][0], inside(IMAGES, 1)[0]
    )
    assert bool((jacobian.abs() > 1e-9).all())


@torch.no_grad()
def test_a_bound_for_levels_and_a_density_for_points() -> None:
    assert not flow(IMAGES).exact
    model = flow(POINTS).float()
    assert model.exact
    x = model.sample(200_000, rng=Generator().manual_seed(0))
    # E[q(x) / p(x)] = 1 for any density q, here a normal one of the samples' own mean and spread, as logits.
    normal = torch.distributions.Normal(x.logit().mean(0), x.logit().std(0))
    q = normal.log_prob(x.logit()) - x.log() - (1 - x).log()
    ratio = (q.sum(1) - model.log_prob(x)).exp()
    assert float(ratio.mean()) == pytest.approx(1, abs=0.1)


def test_points_are_learnt_without_dequantisation() -> None:
    """Two moons of the plane, well below the entropy of a normal distribution with their moments."""
    torch.manual_seed(0)
    angle = math.pi * torch.rand(2000)
    side = (torch.rand(2000) < 0.5).float() * 2 - 1
    x = torch.stack([angle.cos() * side + side / 2, angle.sin() * side], 1) + 0.1 * torch.randn(2000, 2)
    x = (x + 2.5) / 5
    model = RealNVP(Space("points", (2,), 0), couplings=6, hidden=32, lr=5e-3)
    standardise, likelihood = model.phases()
    assert standardise.fit is not None
    standardise.fit(Splits(Batch(x), Batch(x)))
    (nll,) = likelihood.objectives
    optimizer = nll.optimizer(nll.parameters)
    for _ in range(300):
        batch = Batch(x[torch.randint(len(x), (256,))])
        optimizer.zero_grad()
        nll.loss(batch).backward()
        optimizer.step()
    normal = torch.distributions.MultivariateNormal(x.mean(0), torch.cov(x.T))
    with torch.no_grad():
        assert float(model.log_prob(x).mean()) > float(normal.log_prob(x).mean()) + 0.4


@torch.no_grad()
def test_codes_of_images_decode_to_the_images() -> None:
    model = flow(IMAGES).float()
    levels = torch.randint(IMAGES.levels, (50, *IMAGES.shape), generator=Generator().manual_seed(2))
    x = IMAGES.to_unit(levels)
    latent = capability(model, Latent)
    assert latent is not None
    z, _ = model(model.dequantisation.points(x, Generator().manual_seed(3)))
    assert torch.equal(IMAGES.to_levels(latent.decode(z)), levels)


@torch.no_grad()
def test_the_same_noise_dequantises_at_every_call() -> None:
    model, x = flow(IMAGES).float(), IMAGES.to_unit(torch.randint(5, (9, *IMAGES.shape)))
    assert torch.equal(model.log_prob(x), model.log_prob(x))


def mass_within(unbounded: Logit | OpenLogit) -> float:
    """∫ p(y(x)) |dy/dx| dx over [0, 1], y normal with deviation 2: what of a density on R its image of [0, 1] has."""
    t = torch.linspace(-20, 20, 50_001, dtype=torch.float64)  # x = σ(t), close together where y goes far
    x = t.sigmoid()
    y, log_slope = unbounded.forward(x[:, None])
    density = (torch.distributions.Normal(0.0, 2.0).log_prob(y)[:, 0] + log_slope).exp()
    return float(torch.trapezoid(density * x * (1 - x), t))


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_open_cells_leave_no_mass_outside(levels: int) -> None:
    """The logit alone loses what is beyond ± logit(.95), one seventh of this density."""
    assert mass_within(OpenLogit(0.05, levels)) == pytest.approx(1, abs=0.01)
    beyond = float(torch.special.ndtr(torch.tensor(-math.log(19) / 2)))
    assert mass_within(Logit(0.05)) == pytest.approx(1 - 2 * beyond, abs=1e-5)


@pytest.mark.parametrize("levels", [2, 5, 256])
def test_open_cells_are_a_rising_map_onto_the_line(levels: int) -> None:
    unbounded = OpenLogit(0.05, levels)
    x = torch.linspace(1e-6, 1 - 1e-6, 20_002, dtype=torch.float64).requires_grad_()
    y, log_slope = unbounded.forward(x[:, None])
    (slope,) = torch.autograd.grad(y.sum(), x)
    assert torch.allclose(slope.log(), log_slope, atol=1e-9)
    assert bool((y[1:] > y[:-1]).all())
    assert torch.allclose(unbounded.inverse(y)[:, 0], x, atol=1e-12)
    edges = torch.tensor([1 / levels, 1 - 1 / levels], dtype=torch.float64)
    around = [unbounded.forward(edges[:, None] + hair)[0] for hair in (-1e-12, 1e-12)]
    assert torch.allclose(*around, atol=1e-9), "a jump where the open cells begin"
    ends = unbounded.inverse(torch.tensor([[-60.0, 60.0]]))
    assert ends.tolist() == [[0.0, 1.0]]


def away_from_normal(unbounded: Logit | OpenLogit, x: Tensor) -> float:
    """KL(y ‖ normal law of its moments), x uniform on a cell of 1/17: ½ log 2πe var − E log |dy/dx| + log 17."""
    y, log_slope = unbounded.forward(x)
    assert bool(torch.isfinite(y).all())
    return float(0.5 * (2 * math.pi * math.e * y.var()).log() - log_slope.mean()) + math.log(17)


def test_noise_of_the_outermost_levels_is_near_the_shape_of_a_normal_law() -> None:
    u = torch.rand(200_000, 1, generator=Generator().manual_seed(0))
    for x in (u / 17, (16 + u) / 17):
        assert away_from_normal(OpenLogit(0.05, 17), x) == pytest.approx(0.085, abs=0.01)
        assert away_from_normal(Logit(0.05), x) > 0.17
    assert bool(torch.isfinite(OpenLogit(0.05, 17).forward(torch.tensor([[0.0, 1.0]]))[0]).all())


@torch.no_grad()
def bound_of_a_spread_flow() -> float:
    """Σ P(x) by the bound over all images of 2 values and 3 levels; one code in seven lies outside the logit's."""
    space = Space("image", (1, 1, 2), 3)
    model = far_from_identity(RealNVP, space, couplings=1).float()
    for parameter in model.parameters():
        parameter.zero_()
    model.mean.zero_()
    model.deviation.fill_(2.0)
    model.importance = 100
    every = space.to_unit(torch.cartesian_prod(torch.arange(3), torch.arange(3))).unflatten(1, space.shape)
    return float(model.log_prob(every).exp().sum())


def test_the_bound_of_a_flow_loses_nothing_that_samples_have(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bound_of_a_spread_flow() > 0.9
    monkeypatch.setattr(normalizing_flow, "OpenLogit", lambda alpha, _: Logit(alpha))
    assert bound_of_a_spread_flow() == pytest.approx(
        (1 - 2 * float(torch.special.ndtr(torch.tensor(-math.log(19) / 2)))) ** 2, abs=0.03
    )
