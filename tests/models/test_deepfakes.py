"""DeepFakes: whose decoder makes what, and the warp of what goes in."""

from typing import Any

import test_models as laws
import torch
from torch import Generator

from genbench.nn.transport import RIDGE, transport_map
from genbench.nn.warping import warped


def test_a_warp_follows_from_the_random_state_and_is_small() -> None:
    x = torch.linspace(0, 1, 16).expand(3, 1, 16, 16)
    torch.manual_seed(1)
    one = warped(x, 0.02)
    torch.manual_seed(1)
    assert torch.equal(one, warped(x, 0.02))
    assert not torch.equal(one, warped(x, 0.02))
    assert torch.allclose(warped(x, 0.0), x, atol=1e-5)
    assert 0.005 < float((one - x)[..., 3:-3].std()) < 0.04  # of a ramp of one a side


@torch.no_grad()
def test_a_swapped_face_is_the_other_decoders(tmp_path: Any) -> None:
    """Reconstruction and swap have one code; a decoder is trained by its own person's pictures alone."""
    model: Any = laws.fitted("translation/deepfakes", tmp_path)
    source = laws.elements(model.space, 4).source
    code = model.encoder(model.space.signed(source))
    for as_whom, made in ((0, model.reconstructed(source)), (1, model.sample(4, source, rng=Generator()))):
        standard = model.norms[0](code)
        standard = standard @ model.to_other[0] if as_whom else standard
        expected = model.decoders[as_whom](model.unfold(standard)).tanh()
        assert torch.equal(made, model.space.unsigned(expected))


@torch.no_grad()
def test_a_decoder_is_given_codes_like_its_own(tmp_path: Any) -> None:
    """Of the other person: standardised over the training data, and with the covariance of its own person's."""
    model: Any = laws.fitted("translation/deepfakes", tmp_path)
    train = laws.elements(model.space, 40)  # as `fitted` has them
    pictures = [model.space.signed(each) for each in (train.source, train.x)]
    own = [norm(model.encoder(x)) for norm, x in zip(model.norms, pictures, strict=True)]
    for codes in own:
        assert float(codes.mean(0).abs().max()) < 1e-4
        assert float((codes.var(0) - 1).abs().max()) < 0.1
    for who in (0, 1):
        there, ridge = own[1 - who].T.cov(), RIDGE * torch.eye(own[0].shape[1])
        carried = model.to_other[who] @ (own[who].T.cov() + ridge) @ model.to_other[who]
        assert torch.allclose(carried, there + ridge, atol=1e-3)


def test_a_covariance_is_carried_to_another() -> None:
    """Of diagonal ones by roots of ratios; in general symmetric, positive, and the identity between equal ones."""
    generator = torch.Generator().manual_seed(0)
    a, b = (x @ x.T for x in torch.randn(2, 5, 5, dtype=torch.float64, generator=generator))
    t = transport_map(a, b)
    ridge = RIDGE * torch.eye(5, dtype=torch.float64)
    assert torch.allclose(t @ (a + ridge) @ t, b + ridge) and torch.allclose(t, t.T)
    assert float(torch.linalg.eigvalsh(t).min()) > 0
    assert torch.allclose(transport_map(a, a), torch.eye(5, dtype=torch.float64))
    variances = torch.tensor([1.0, 4.0]), torch.tensor([9.0, 1.0])
    expected = ((variances[1] + RIDGE) / (variances[0] + RIDGE)).sqrt().diag()
    assert torch.allclose(transport_map(*(each.diag() for each in variances)), expected, atol=1e-6)


@torch.no_grad()
def test_the_error_of_detail_is_that_of_differences_between_neighbouring_pixels() -> None:
    """A shift of all pixels has none; a single pixel that is off by d has 2d² along each axis."""
    plain, fine = (laws.tiny("translation/deepfakes", loss="mse", detail=detail) for detail in (0.0, 3.0))
    models: list[Any] = [plain, fine]
    x = torch.zeros(1, *plain.space.shape)
    spot = x.clone()
    spot[0, 0, 4, 4] = 0.5
    pixels, pairs = x.numel(), x.diff(dim=2).numel()
    assert [float(model.error(x + 0.5, x)) for model in models] == [0.25, 0.25]
    of_pixels, of_both = (float(model.error(spot, x)) for model in models)
    assert abs(of_pixels - 0.25 / pixels) < 1e-7
    assert abs(of_both - of_pixels - 3 * 2 * 2 * 0.25 / pairs) < 1e-6
