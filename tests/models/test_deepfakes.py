"""DeepFakes: whose decoder makes what, and the warp of what goes in."""

from typing import Any

import test_models as laws
import torch
from torch import Generator

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
        expected = model.decoders[as_whom](model.unfold(model.norms[0](code))).tanh()
        assert torch.equal(made, model.space.unsigned(expected))
