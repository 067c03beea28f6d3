"""Layers with masks: what a step of training leaves out changes nothing."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from genbench.core import Batch, Space
from genbench.models.autoregressive.made import MADE
from genbench.nn import masked
from genbench.nn.masked import MaskedLinear, MaskedNetwork
from genbench.training.optimisers import fused

SPACE = Space("image", (1, 4, 4), 2, 0)


def layer(mask: Tensor) -> MaskedLinear:
    torch.manual_seed(0)
    return MaskedLinear(mask)


def slopes_are_those_of_the_product() -> None:
    """Of x, W and b, and of a slope's square once more: as where the mask is multiplied with W at every pass."""
    mask = torch.rand(5, 7, generator=torch.Generator().manual_seed(0)) < 0.5
    one, x = layer(mask), torch.randn(3, 7, requires_grad=True)
    found = []
    for out in (one(x), F.linear(x, one.weight * one.mask, one.bias)):
        wanted = (x, one.weight, one.bias)
        first = torch.autograd.grad(out.tanh().sum(), wanted, create_graph=True)
        second = torch.autograd.grad(sum((each.square().sum() for each in first), x.new_zeros(())), wanted)
        found.append([out, *first, *second])
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*found, strict=True)), "other slopes"


def test_slopes_of_both_orders_are_those_of_the_masked_product(monkeypatch: pytest.MonkeyPatch) -> None:
    slopes_are_those_of_the_product()
    monkeypatch.setattr(masked, "masked_gradient", lambda mask, gradient: gradient)
    with pytest.raises(AssertionError, match="other slopes"):
        slopes_are_those_of_the_product()


def hidden_weights_stay_at_zero(precision: Any = torch.float32) -> None:
    """Through steps of AdamW with momentum and decay, in training as in evaluation, and in a copy of the model."""
    torch.manual_seed(0)
    model = copy.deepcopy(MADE(SPACE, hidden=20, layers=2, weight_decay=0.1)).train()
    optimizer = fused(torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1))
    x = torch.rand(8, *SPACE.shape).round()
    for _ in range(4):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16, cache_enabled=False):
            loss = model.loss(Batch(x))
        loss.backward()
        optimizer.step()
    layers = [each for each in model.modules() if isinstance(each, MaskedLinear)]
    assert len(layers) == 4
    assert all(bool((each.weight[each.mask == 0] == 0).all()) for each in layers), "a hidden weight moved"
    assert all(bool((each.weight[each.mask == 1] != 0).all()) for each in layers)
    with torch.no_grad():
        assert torch.equal(model.train().logits(x), model.eval().logits(x))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16], ids=str)
def test_hidden_weights_stay_at_zero(precision: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden_weights_stay_at_zero(precision)
    monkeypatch.setattr(masked, "masked_gradient", lambda mask, gradient: gradient)
    with pytest.raises(AssertionError, match="a hidden weight moved"):
        hidden_weights_stay_at_zero(precision)


def test_networks_start_with_hidden_weights_at_zero() -> None:
    torch.manual_seed(0)
    for network in (MaskedNetwork(6, 10, 2, 3), MADE(SPACE, hidden=12, activation="gated")):
        for each in network.modules():
            if isinstance(each, MaskedLinear):
                assert bool((each.weight[each.mask == 0] == 0).all())
                assert bool(torch.isfinite(each.weight).all())


def test_evaluation_masks_whatever_the_weights_are() -> None:
    """A likelihood may never see what it should not, even where weights were set without their mask."""
    one = layer(torch.eye(3)).eval()
    with torch.no_grad():
        one.weight.fill_(1)
        assert torch.allclose(one(torch.eye(3)) - one.bias, torch.eye(3), atol=1e-6)
