"""Laws for what a model may offer besides samples: they follow the methods that it has, never its name."""

import pytest
import torch
from test_models import SPACES, ZOO, asked, elements, model_class, tiny
from torch import Generator, Tensor

from genbench.capabilities import Encoder, Pairs, Reconstruction, StyleMixing, Truncation, capability
from genbench.core import GenerativeModel
from genbench.models.adversarial.improved_gan import ImprovedGAN

TWINS = [space for space in SPACES if space.paired] + SPACES


def offering(method: str) -> list[str]:
    return [name for name in ZOO if hasattr(model_class(name), method)]


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def built(name: str) -> GenerativeModel:
    return tiny(name, TWINS if hasattr(model_class(name), "pairs") else SPACES).eval()


def fits(x: Tensor, n: int, shape: tuple[int, ...]) -> None:
    assert x.shape == (n, *shape)
    assert torch.isfinite(x).all() and x.min() >= 0 and x.max() <= 1


@pytest.mark.parametrize("name", offering("pairs"))
@torch.no_grad()
def test_pairs_are_two_different_pictures_each(name: str) -> None:
    pairing = capability(model := built(name), Pairs)
    assert pairing is not None
    first, second = pairing.pairs(5, rng=rng())
    for x in (first, second):
        fits(x, 5, model.space.shape)
    assert (first != second).flatten(1).any(1).all()
    assert all(torch.equal(x, y) for x, y in zip((first, second), pairing.pairs(5, rng=rng()), strict=True))
    assert not torch.equal(first, pairing.pairs(5, rng=rng(1))[0])


@pytest.mark.parametrize("name", offering("mix"))
@torch.no_grad()
def test_mixed_styles_are_elements_at_every_crossover(name: str) -> None:
    mixing = capability(model := built(name), StyleMixing)
    if mixing is None:
        return  # its `mix` is another: it has no crossovers
    assert mixing.crossovers and list(mixing.crossovers) == sorted(set(mixing.crossovers))
    a, b = mixing.prior(4, rng=rng()), mixing.prior(4, rng=rng(1))
    for crossover in mixing.crossovers:
        mixed = mixing.mix(a, b, crossover, rng=rng())
        fits(mixed, 4, model.space.shape)
        assert torch.equal(mixed, mixing.mix(a, b, crossover, rng=rng()))


@pytest.mark.parametrize("name", offering("truncated"))
@torch.no_grad()
def test_truncated_samples_are_elements_at_every_truncation(name: str) -> None:
    truncating = capability(model := built(name), Truncation)
    assert truncating is not None
    assert len(set(truncating.truncations)) == len(truncating.truncations) > 1
    for truncation in truncating.truncations:
        x = truncating.truncated(4, truncation, asked(model, 4), rng=rng())
        fits(x, 4, model.space.shape)
        assert torch.equal(x, truncating.truncated(4, truncation, asked(model, 4), rng=rng()))


@pytest.mark.parametrize("name", offering("reconstructed"))
@torch.no_grad()
def test_a_reconstruction_is_in_the_domain_of_its_source(name: str) -> None:
    back = capability(model := built(name), Reconstruction)
    assert back is not None
    source = elements(model.space, 4).source
    assert source is not None
    fits(back.reconstructed(source), 4, model.space.source)
    assert model.conditional == "source"


@pytest.mark.parametrize("name", offering("codes"))
@torch.no_grad()
def test_codes_say_the_same_of_an_element_whatever_its_company(name: str) -> None:
    encoder = capability(model := built(name), Encoder)
    assert encoder is not None
    x = elements(model.space, 12).x
    codes = encoder.codes(x)
    assert codes.shape == (12, codes.shape[1]) and codes.is_floating_point() and torch.isfinite(codes).all()
    assert torch.equal(codes, encoder.codes(x))
    torch.testing.assert_close(codes[3:5], encoder.codes(x[3:5]), atol=1e-5, rtol=1e-4)
    different = (x[:1] != x[1:]).flatten(1).any(1)
    assert ((codes[:1] != codes[1:]).any(1) == different).all()


def test_codes_that_look_at_their_company_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImprovedGAN, "codes", ImprovedGAN.features)  # with minibatch discrimination
    with pytest.raises(AssertionError, match="not close"):
        test_codes_say_the_same_of_an_element_whatever_its_company("adversarial/improved_gan")
