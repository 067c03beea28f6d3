"""MAF and IAF: one family of maps, taken forwards and backwards."""

from typing import Any

import pytest
import test_models as laws
import torch
from torch import Generator, Tensor

from genbench.core import Space
from genbench.models.flows.iaf import IAF
from genbench.models.flows.maf import MAF
from genbench.nn.continuous import standard_normal
from genbench.nn.masked import MaskedAffine

IMAGES, POINTS = Space("image", (1, 2, 4), 5), Space("points", (2,), 0)


def flow(cls: Any, space: Space) -> Any:
    """Far from the identity, so that every part of the Jacobian shows."""
    torch.manual_seed(0)
    model = cls(space, blocks=3, hidden=16).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.25)
        model.mean.fill_(0.5)
        model.deviation.fill_(0.2)
    return model.eval()


def numbers(space: Space, n: int) -> Tensor:
    return torch.randn(n, space.dimensions, generator=Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("space", [IMAGES, POINTS], ids=["image", "points"])
@pytest.mark.parametrize("cls", [MAF, IAF])
def test_the_inverse_inverts_and_the_log_determinant_is_that_of_the_jacobian(cls: Any, space: Space) -> None:
    model, points = flow(cls, space), numbers(space, 4)
    z, log_det = model(points)
    assert torch.allclose(model.inverse(z), points, atol=1e-12)
    for row, found in zip(points, log_det, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda x: model(x[None])[0][0], row)
        assert float(found.detach()) == pytest.approx(float(jacobian.slogdet()[1]), abs=1e-12)


@pytest.mark.parametrize("cls", [MAF, IAF])
@torch.no_grad()
def test_the_density_of_points_integrates_to_one(cls: Any) -> None:
    model = flow(cls, POINTS)
    side = torch.linspace(-3, 4, 500, dtype=torch.float64)
    total = model.log_prob(torch.cartesian_prod(side, side)).exp().sum() * (side[1] - side[0]) ** 2
    assert float(total) == pytest.approx(1, abs=1e-3)


def test_one_map_is_conditioned_on_data_and_the_other_on_codes() -> None:
    """MAF: z_2 follows from x_1 and x_2 alone, at once.  IAF: x_2 does from z_1 and z_2."""
    torch.manual_seed(0)
    maf, iaf = (cls(Space("points", (3,), 0), blocks=1, hidden=16) for cls in (MAF, IAF))
    calls: list[int] = []
    for model in (maf, iaf):
        (inner,) = [each for each in model.modules() if isinstance(each, MaskedAffine)]
        inner.body.register_forward_hook(lambda *_: calls.append(1))
    x = torch.randn(5, 3)
    counts = []
    for use in (maf.forward, maf.inverse, iaf.forward, iaf.inverse):
        calls.clear()
        use(x)
        counts.append(len(calls))
    assert counts == [1, 3, 3, 1]


def test_a_forgotten_log_determinant(monkeypatch: pytest.MonkeyPatch) -> None:
    inverse = MaskedAffine.inverse
    monkeypatch.setattr(MaskedAffine, "inverse", lambda self, u: (inverse(self, u)[0], torch.zeros(len(u))))
    with pytest.raises(AssertionError):
        test_the_density_of_points_integrates_to_one(IAF)
    with pytest.raises(AssertionError):
        test_the_inverse_inverts_and_the_log_determinant_is_that_of_the_jacobian(IAF, POINTS)


def test_a_mask_that_lets_a_value_see_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    affine = MaskedAffine.affine
    monkeypatch.setattr(
        MaskedAffine, "affine", lambda self, x: (affine(self, x)[0] + x / 2, affine(self, x)[1])
    )
    with pytest.raises(AssertionError):
        test_the_inverse_inverts_and_the_log_determinant_is_that_of_the_jacobian(MAF, IMAGES)


def test_standard_normal_is_that_of_torch() -> None:
    x = laws.elements(Space("points", (3,), 0), 5).x.double()
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(1)
    assert torch.allclose(standard_normal(x), expected)
