"""CoGAN: what is shared stays shared, and the faults that the laws of that catch."""

import copy
from typing import Any

import pytest
import test_models as laws
import torch
from torch import Generator, nn

from genbench.nn.coupled import SharedEnd, SharedStart

COGAN = "adversarial/cogan"


def layers_in_common_hear_both_games(model: Any) -> None:
    """The layers of both generators, and those of both discriminators, have gradients from either domain's game."""
    batch = laws.elements(model.space, 8)
    model.train()
    for network, losses in ((model.discriminator, model.games), (model.generator, model.generator_losses)):
        common = list(network.common.parameters())
        assert common, "nothing is shared"
        for domain in range(2):
            torch.manual_seed(0)
            slopes = torch.autograd.grad(losses(batch)[domain], common, allow_unused=True)
            assert all(slope is not None and bool((slope != 0).any()) for slope in slopes), f"domain {domain}"


def generators_say_the_same_where_their_own_layers_do(model: Any) -> None:
    """With the last layers of one in the place of the other's, both domains' images are the same to the bit."""
    twin = copy.deepcopy(model).eval()
    twin.generator.own[1] = twin.generator.own[0]
    one, other = twin.joint(5, rng=Generator().manual_seed(0))
    assert torch.equal(one, other), "the layers before them differ"


@pytest.mark.parametrize("network", ["convolutions", "perceptrons"])
def test_shared_layers_stay_shared_while_they_train(network: str, tmp_path: Any) -> None:
    options = {"network": network, "shared": 2, "discriminator_shared": 1}
    model = laws.fitted(COGAN, tmp_path, 3, **options)
    layers_in_common_hear_both_games(model)
    generators_say_the_same_where_their_own_layers_do(model)


def test_a_shared_layer_that_is_not_shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A copy of the common layers for the second domain: equal at the start, no longer after training."""
    build, forward = SharedStart.__init__, SharedStart.forward

    def doubled(self: Any, towers: Any, shared: int) -> None:
        build(self, towers, shared)
        self.second = copy.deepcopy(self.common)

    def apart(self: Any, x: torch.Tensor) -> Any:
        return forward(self, x)[0], self.own[1](self.second(x))

    monkeypatch.setattr(SharedStart, "__init__", doubled)
    monkeypatch.setattr(SharedStart, "forward", apart)
    model = laws.fitted(COGAN, tmp_path)
    with pytest.raises(AssertionError, match="domain 1"):
        layers_in_common_hear_both_games(model)
    with pytest.raises(AssertionError, match="the layers before them differ"):
        generators_say_the_same_where_their_own_layers_do(model)


def test_two_gans_that_share_nothing_are_the_control() -> None:
    model = laws.tiny(COGAN, shared=0, discriminator_shared=0)
    with pytest.raises(AssertionError, match="nothing is shared"):
        layers_in_common_hear_both_games(model)
    with pytest.raises(laws.InputError, match="shared: got 9; expected 0 to"):
        laws.tiny(COGAN, laws.SPACES[5:6], shared=9)


@torch.no_grad()
def seen_from(model: Any, domain: int) -> int:
    """At how many places of an image one place of the shared maps is seen."""
    maps = model.generator.common(model.prior(1, rng=Generator().manual_seed(0)))
    changed = maps.clone()
    changed[..., 4, 4] += 0.5
    one, other = (model.generator.own[domain](h) for h in (maps, changed))
    return int((one != other).any(1).sum())


def test_a_kernel_of_1_ties_a_target_to_its_maps_pixel_by_pixel() -> None:
    options = {"network": "perceptrons", "shared": 3, "discriminator_shared": 2}
    tied, plain = (laws.tiny(COGAN, kernel=kernel, **options).eval() for kernel in (1, 3))
    assert [seen_from(tied, domain) for domain in (0, 1)] == [1, 9]
    assert [seen_from(plain, domain) for domain in (0, 1)] == [9, 9]
    z = 100 * tied.prior(50, rng=Generator().manual_seed(0))
    assert tied.generator.common(z).abs().max() == 1, "maps that are the image are bounded on both sides"
    assert plain.generator.common(z).max() > 1
    for wrong in ({"kernel": 2}, {"kernel": -1}, {"gain": 0.0}):
        with pytest.raises(laws.InputError, match="expected an odd side, and more than 0"):
            laws.tiny(COGAN, laws.SPACES[5:6], **wrong)


@torch.no_grad()
def test_a_gain_makes_sources_of_two_levels_and_leaves_targets_grey() -> None:
    plain, steep = (laws.tiny(COGAN, gain=gain).eval() for gain in (1.0, 1000.0))
    steep.load_state_dict(plain.state_dict())
    (x, grey), (same, hard) = (model.joint(20, rng=Generator().manual_seed(0)) for model in (plain, steep))
    assert torch.equal(x, same)
    assert torch.equal(grey > 0.5, hard > 0.5)
    assert (hard - 0.5).abs().mean() > (grey - 0.5).abs().mean() + 0.1


def flat_maps_make_flat_images(model: Any) -> None:
    """A domain's own layer does the same at the border as elsewhere."""
    maps = torch.full_like(model.generator.common(model.prior(1, rng=Generator().manual_seed(0))), 0.7)
    for own in model.generator.own:
        image = own(maps)
        assert torch.allclose(image, image[..., 4:5, 4:5].expand_as(image), atol=1e-6), "the border differs"


@torch.no_grad()
def test_the_border_of_an_image_is_made_as_its_middle_is() -> None:
    model: Any = laws.tiny(COGAN, network="perceptrons", shared=3, discriminator_shared=2).eval()
    flat_maps_make_flat_images(model)
    for own in model.generator.own:
        own[-1].padding_mode = "zeros"
    with pytest.raises(AssertionError, match="the border differs"):
        flat_maps_make_flat_images(model)


@torch.no_grad()
def test_both_domains_of_a_joint_draw_come_from_one_code() -> None:
    model: Any = laws.tiny(COGAN).eval()
    x, source = model.joint(4, rng=Generator().manual_seed(3))
    assert torch.equal(x, model.sample(4, rng=Generator().manual_seed(3)))
    assert source.shape == (4, *model.space.source)


@torch.no_grad()
def test_a_shared_end_scores_each_domain_by_its_own_start() -> None:
    towers: Any = tuple([[nn.Linear(2, 3)], [nn.Linear(3, 1)]] for _ in range(2))
    network, x = SharedEnd(towers, 1), torch.randn(6, 2)
    for k, score in enumerate(network(x, x)):
        assert torch.allclose(score, towers[0][1][0](towers[k][0][0](x)))
