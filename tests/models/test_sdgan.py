"""SD-GAN: pairs of one identity, and the discriminator that sees both pictures."""

from typing import Any

import pytest
import test_models as laws
import torch
from torch import Generator

from genbench.nn.siamese import SiameseDiscriminator


@torch.no_grad()
def test_pairs_have_one_identity_code_and_two_of_observation() -> None:
    model: Any = laws.tiny("adversarial/sdgan").eval()
    z = model.prior(5, rng=Generator().manual_seed(0))
    other = model.siblings(z, rng=Generator().manual_seed(1))
    assert torch.equal(z[:, : model.identity], other[:, : model.identity])
    assert not bool((z[:, model.identity :] == other[:, model.identity :]).any())
    first, second = model.pairs(5, rng=Generator().manual_seed(0))
    assert torch.equal(first, model.sample(5, rng=Generator().manual_seed(0)))
    assert not torch.equal(first, second)


@torch.no_grad()
def test_a_siamese_discriminator_sees_both_pictures_through_one_tower() -> None:
    network = SiameseDiscriminator(1, (8, 8), 4, 0.0).eval()
    one, other = torch.randn(2, 3, 1, 8, 8).unbind()
    assert not torch.allclose(network(one, one), network(one, other)), "the second picture is not looked at"
    halves = network.tower(one), network.tower(other)
    assert torch.allclose(network(one, other), network.joint(torch.cat(halves, 1))[:, 0], atol=1e-6)


def test_pairs_of_two_people_are_an_option_of_the_discriminators_loss() -> None:
    """w log(1 − D(x, x'')): the loss grows by it, and a space without pairs is refused."""
    batch, losses = None, []
    for mismatched in (0.0, 1.0):
        model: Any = laws.tiny("adversarial/sdgan", mismatched=mismatched).eval()
        batch = laws.elements(model.space, 6)
        torch.manual_seed(0)
        losses.append(float(model.discriminator_loss(batch).detach()))
    assert losses[1] > losses[0] + 0.1
    with pytest.raises(laws.InputError, match="expected pairs"):
        laws.tiny("adversarial/sdgan", laws.SPACES[5:6])
