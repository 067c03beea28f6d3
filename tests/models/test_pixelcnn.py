"""PixelCNN in colour: red before green before blue within a pixel, and nothing new where there is one channel."""

from typing import Any

import pytest
import test_models as laws
import torch
from torch import Generator, Tensor

from genbench.core import Space
from genbench.models.autoregressive.pixelcnn import PixelCNN
from genbench.nn import masked_convolutions
from genbench.nn.autoregressive import Autoregressive
from genbench.nn.masked_convolutions import OrderedConvolution, within_pixels

NAME = "autoregressive/pixelcnn"
TINY_COLOURED = {"binary": Space("image", (3, 1, 2), 2, 2), "four levels": Space("image", (3, 1, 1), 4, 2)}


def slopes() -> Tensor:
    """Which logits move with which values: channels by pixels on both sides, (3, 20, 3, 20)."""
    model = laws.with_positive_weights(NAME, laws.COLOURED)
    x = laws.bright(laws.COLOURED).requires_grad_()
    logits = model.logits(x)[0].sum(1)
    found = torch.stack([torch.autograd.grad(each, x, retain_graph=True)[0].flatten() for each in logits])
    return (found.unflatten(0, (20, 3)).transpose(0, 1) != 0).unflatten(2, (3, 20))


def test_green_sees_red_of_its_own_pixel_and_red_does_not_see_green() -> None:
    seen = slopes()
    for pixel in range(20):
        own = seen[:, pixel, :, pixel]  # rows: what is predicted, red, green, blue; columns: what is seen
        assert own.tolist() == [[False, False, False], [True, False, False], [True, True, False]]
        if pixel % 5:  # of the pixel to its left each sees everything
            assert bool(seen[:, pixel, :, pixel - 1].all())


@pytest.mark.parametrize("size", TINY_COLOURED)
def test_coloured_images_are_under_the_laws(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, size: str
) -> None:
    monkeypatch.setitem(laws.TINY_SPACES, size, [TINY_COLOURED[size]])
    found = laws.on_a_tiny_space(NAME, size, tmp_path)
    laws.probabilities_sum_to_one(found)
    laws.samples_match_the_density(found)


@torch.no_grad()
def test_a_coloured_completion_draws_what_the_slow_one_draws() -> None:
    model: Any = laws.tiny(NAME, [laws.COLOURED]).eval()
    x = laws.elements(laws.COLOURED, 20).x
    mask = torch.rand(x.shape, generator=Generator().manual_seed(3)) < 0.4
    slow = Autoregressive.complete(model, x, mask, rng=Generator().manual_seed(0))
    assert torch.equal(model.complete(x, mask, rng=Generator().manual_seed(0)), slow)
    assert torch.equal(slow[mask], x[mask])


def unstrict(inputs: Tensor, outputs: Tensor, kernel: int = 1, *, strict: bool = False) -> OrderedConvolution:
    """Mask B in the first layer, too: ≥ where it should be >."""
    return OrderedConvolution(inputs, outputs, kernel)


def late(inputs: Tensor, outputs: Tensor, kernel: int = 1, *, strict: bool = False) -> OrderedConvolution:
    """Every layer one group further than it should."""
    return OrderedConvolution(inputs - 1, outputs, kernel, strict=strict)


@pytest.mark.parametrize("fault", [unstrict, late])
def test_a_mask_off_by_one_in_the_order_of_channels_is_caught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, fault: Any
) -> None:
    monkeypatch.setattr(masked_convolutions, "OrderedConvolution", fault)
    with pytest.raises(AssertionError, match="sees itself or a later one"):
        laws.test_a_logit_has_gradients_on_the_pixels_of_its_field_alone(NAME, laws.COLOURED)
    with pytest.raises(AssertionError, match="sees itself or a later one"):
        laws.test_a_pixel_depends_on_the_pixels_of_its_field_alone(NAME, laws.COLOURED)
    monkeypatch.setitem(laws.TINY_SPACES, "binary", [TINY_COLOURED["binary"]])
    with pytest.raises(AssertionError):
        laws.probabilities_sum_to_one(laws.on_a_tiny_space(NAME, "binary", tmp_path))


@torch.no_grad()
def test_one_channel_has_no_order_and_no_masks() -> None:
    model = PixelCNN(Space("image", (1, 4, 5), 2), width=4, blocks=1)
    assert model.order is None
    masked = [each for each in model.modules() if isinstance(each, OrderedConvolution)]
    assert len(masked) == 6
    assert all(each.mask is None for each in masked)
    assert masked[0].weight.shape == (8, 1, 1, 4)


def test_values_are_met_pixel_by_pixel() -> None:
    assert within_pixels((3, 1, 2)).tolist() == [0, 2, 4, 1, 3, 5]


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match="PixelCNN is for images"):
        PixelCNN(Space("table", (3,), 2))
