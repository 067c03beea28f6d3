"""MAF and IAF: one family of maps, taken forwards and backwards; and what all flows show of themselves."""

from pathlib import Path
from typing import Any

import pytest
import test_models as laws
import torch
from test_flows import far_from_identity, inside
from torch import Generator, Tensor

from genbench.core import Batch, Phase, Space, Splits
from genbench.models.flows.iaf import IAF, Inverted
from genbench.models.flows.maf import MAF
from genbench.models.flows.realnvp import RealNVP
from genbench.nn.bases import IndependentMixtures, MaskedMixtures
from genbench.nn.masked import MaskedAffine, MaskedNetwork
from genbench.nn.normalizing_flow import NormalizingFlow

IMAGES, POINTS = Space("image", (1, 2, 4), 5), Space("points", (2,), 0)
FLOWS = [(MAF, 1), (MAF, 3), (IAF, 1), (IAF, 3)]
NAMES = ["MAF", "MAF MoG", "IAF", "IAF of mixtures"]


def flow(cls: Any, space: Space, components: int = 1, **options: Any) -> Any:
    return far_from_identity(cls, space, blocks=3, components=components, **options)


@pytest.mark.parametrize("space", [IMAGES, POINTS], ids=["image", "points"])
@pytest.mark.parametrize("cls", [MAF, IAF])
def test_the_inverse_inverts_and_the_log_determinant_is_that_of_the_jacobian(cls: Any, space: Space) -> None:
    model, points = flow(cls, space), inside(space, 4)
    z, log_det = model(points)
    assert torch.allclose(model.inverse(z), points, atol=1e-12)
    for x, found in zip(points, log_det, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda row: model(row[None])[0][0], x)
        assert bool((jacobian.abs() > 1e-12).all()), "a code that does not depend on every value"
        assert float(found.detach()) == pytest.approx(float(jacobian.slogdet()[1]), abs=1e-9)
    assert torch.allclose(model.differentiated(points), log_det, atol=1e-9)


@pytest.mark.parametrize(("cls", "components"), FLOWS, ids=NAMES)
@torch.no_grad()
def test_the_density_of_points_integrates_to_one(cls: Any, components: int) -> None:
    model = flow(cls, POINTS, components)
    middles = (torch.arange(400, dtype=torch.float64) + 0.5) / 400
    assert float(model.log_prob(torch.cartesian_prod(middles, middles)).exp().mean()) == pytest.approx(
        1, abs=2e-3
    )


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_a_value_moves_its_own_code_and_those_after_it(backwards: bool) -> None:
    """∂μ_i/∂x_j = ∂α_i/∂x_j = 0 for all j ≥ i in the network's order, and for no others; so of x given codes."""
    torch.manual_seed(0)
    inner = MaskedAffine(6, 20, 2, backwards=backwards).double()
    torch.nn.init.normal_(inner.network.head.weight)
    inner.network.head.masked_()
    before = torch.ones(6, 6).tril(-1).bool()
    expected = before.flip(0, 1) if backwards else before
    x = torch.randn(6, dtype=torch.double)
    for part in (0, 1):
        slopes = torch.autograd.functional.jacobian(lambda x, part=part: inner.affine(x[None])[part][0], x)
        assert torch.equal(slopes != 0, expected)
    own = torch.eye(6, dtype=torch.bool)
    for direct in (inner.forward, inner.inverse, Inverted(inner).forward, Inverted(inner).inverse):
        slopes = torch.autograd.functional.jacobian(lambda x, direct=direct: direct(x[None])[0][0], x)
        assert torch.equal(slopes != 0, expected | own)


@torch.no_grad()
def test_values_in_turn_see_what_they_see_at_once() -> None:
    """Also where there are fewer hidden units than values, so that some have none of their own."""
    torch.manual_seed(0)
    for hidden in (3, 20):
        network = MaskedNetwork(7, hidden, 2, 3).double()
        torch.nn.init.normal_(network.head.weight)
        network.head.masked_()
        x = torch.randn(5, 7, dtype=torch.double)
        seen: list[Tensor] = []

        def value(i: int, numbers: Tensor, x: Tensor = x, seen: list[Tensor] = seen) -> Tensor:
            seen.append(numbers.expand(5, -1))
            return x[:, i]

        assert torch.equal(network.in_turn(value), x)
        assert torch.allclose(torch.stack(seen, 1), network(x), atol=1e-12)


def test_a_density_takes_maf_one_pass_and_iaf_a_step_for_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[str] = []

    def counted(name: str) -> None:
        once = getattr(MaskedAffine, name)

        def call(self: MaskedAffine, x: Tensor) -> Any:
            passes.append(name)
            return once(self, x)

        monkeypatch.setattr(MaskedAffine, name, call)

    counted("forward")
    counted("inverse")
    for cls, of_density in ((MAF, "forward"), (IAF, "inverse")):
        model = flow(cls, POINTS)
        passes.clear()
        z, _ = model(inside(POINTS, 3))
        assert set(passes) == {of_density}
        passes.clear()
        model.inverse(z)
        assert set(passes) == {"forward", "inverse"} - {of_density}


@pytest.mark.parametrize("base", [IndependentMixtures(2, 3), MaskedMixtures(2, 3, 8, 1)])
@torch.no_grad()
def test_codes_of_a_mixture_are_drawn_as_its_density_says(base: Any) -> None:
    torch.manual_seed(0)
    for parameter in base.eval().parameters():
        parameter.add_(0.3 * torch.randn(parameter.shape))
    z = base.sample(40_000, rng=Generator().manual_seed(0), device=None)
    sides = torch.linspace(-8, 8, 161)
    middles = (sides[1:] + sides[:-1]) / 2
    p = base.log_prob(torch.cartesian_prod(middles, middles)).exp().reshape(160, 160) * 0.01
    assert float(p.sum()) == pytest.approx(1, abs=1e-3)
    found = torch.histogramdd(z, [sides, sides]).hist / len(z)
    one, other = (each.unflatten(0, (8, 20)).unflatten(2, (8, 20)).sum((1, 3)) for each in (p, found))
    assert torch.allclose(one, other, atol=0.01)


def ring(n: int) -> Tensor:
    """Four narrow Gaussians on a circle."""
    rng = Generator().manual_seed(0)
    angle = torch.randint(4, (n,), generator=rng) * torch.pi / 2
    x = 0.5 + 0.3 * torch.stack([angle.cos(), angle.sin()], 1)
    return x + 0.02 * torch.randn(n, 2, generator=rng)


def learnt(model: NormalizingFlow, phases: list[Phase], x: Tensor, steps: int) -> None:
    torch.manual_seed(0)
    for phase in phases:
        if phase.fit is not None:
            phase.fit(Splits(Batch(x), Batch(x)))
        for objective in phase.objectives:
            optimizer = objective.optimizer(objective.parameters)
            for _ in range(steps):
                optimizer.zero_grad()
                batch = Batch(x[torch.randint(len(x), (128,))])
                objective.loss(batch).backward(inputs=list(objective.parameters))
                optimizer.step()


def test_separate_modes_are_learnt_by_mixtures() -> None:
    """Better than RealNVP, whose codes are normal, in as many steps with more parameters."""
    x, sizes = ring(2000), {"hidden": 32, "lr": 5e-3}
    torch.manual_seed(0)
    makers: list[tuple[Any, Any]] = [
        (RealNVP, {"couplings": 6}),
        (MAF, {"blocks": 2, "components": 4}),
        (IAF, {"blocks": 4, "components": 4}),
    ]
    models = [cls(POINTS, **sizes, **own) for cls, own in makers]
    for model in models:
        learnt(model, model.phases(), x, 100)
    with torch.no_grad():
        realnvp, *others = (float(model.log_prob(x).mean()) for model in models)
    for model, likelihood in zip(models[1:], others, strict=True):
        assert model.free_parameters < models[0].free_parameters
        assert likelihood > realnvp + 0.1


def test_a_taught_flow_comes_close_to_its_teacher() -> None:
    torch.manual_seed(0)
    model = IAF(IMAGES, blocks=2, hidden=32, learning="distillation", lr=5e-3)
    x = laws.elements(IMAGES, 500).x
    learnt(model, model.phases(), x, 150)
    with torch.no_grad():
        found = model.measure(Splits(Batch(x), Batch(x)), rng=Generator().manual_seed(0))
    lost = float(found["likelihood lost to the teacher"].values.mean())
    assert abs(lost) < 0.3
    assert float(found["error of the inverse"].values.max()) < 1e-3
    assert float(found["error of the log-determinant"].values.max()) < 1e-3


@torch.no_grad()
def test_a_flow_of_the_plane_shows_its_mass() -> None:
    model, x = flow(IAF, POINTS, 3).float(), inside(POINTS, 50).float()
    found = model.measure(Splits(Batch(x), Batch(x)), rng=Generator().manual_seed(0))
    assert float(found["mass on a grid"].values) == pytest.approx(1, abs=2e-3)


def test_likelihood_and_mixtures_are_under_the_laws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The sizes that the models name themselves are those of MAF with normal codes and of a taught IAF."""
    laws.resized(monkeypatch, "flows/maf", components=3, blocks=2, importance=200)
    laws.resized(monkeypatch, "flows/iaf", components=3, learning="likelihood", importance=200)
    monkeypatch.setattr(laws, "SPACES", [IMAGES])
    for name in ("flows/maf", "flows/iaf"):
        laws.test_an_objective_moves_all_of_its_own_parameters_and_no_others(name)
        laws.samples_match_the_density(laws.on_a_tiny_space(name, "four levels", tmp_path))


def test_a_forgotten_log_determinant_in_iaf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inverse = MaskedAffine.inverse

    def forgetful(self: MaskedAffine, u: Tensor) -> tuple[Tensor, Tensor]:
        return inverse(self, u)[0], torch.zeros(len(u))

    monkeypatch.setattr(MaskedAffine, "inverse", forgetful)
    with pytest.raises(AssertionError):
        test_the_density_of_points_integrates_to_one(IAF, 1)
    with pytest.raises(AssertionError):
        test_the_inverse_inverts_and_the_log_determinant_is_that_of_the_jacobian(IAF, POINTS)
    laws.resized(monkeypatch, "flows/iaf", importance=50)
    with pytest.raises(AssertionError):
        laws.probabilities_sum_to_one(laws.on_a_tiny_space("flows/iaf", "binary", tmp_path))


def test_a_mask_that_lets_a_value_see_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    affine = MaskedAffine.affine
    monkeypatch.setattr(
        MaskedAffine, "affine", lambda self, x: (affine(self, x)[0] + x / 2, affine(self, x)[1])
    )
    with pytest.raises(AssertionError):
        test_a_value_moves_its_own_code_and_those_after_it(backwards=False)
    with pytest.raises(AssertionError):
        test_the_inverse_inverts_and_the_log_determinant_is_that_of_the_jacobian(MAF, IMAGES)
