"""One kernel over all tensors computes what one kernel for each would."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from genbench.training.optimisers import fused, update_average


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(7, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))


def trained(build, steps: int = 20) -> list[torch.Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 3))
    optimizer = build(model.parameters())
    x = torch.randn(16, 7, generator=torch.Generator().manual_seed(1))
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        (model(x) - x[:, :3].sin()).pow(2).mean().backward()
        optimizer.step()
    return [parameter.detach() for parameter in model.parameters()]


@pytest.mark.parametrize(
    "optimizer",
    [
        partial(torch.optim.Adam, lr=0.01, betas=(0.5, 0.9)),
        partial(torch.optim.AdamW, lr=0.01, weight_decay=0.1),
        partial(torch.optim.SGD, lr=0.01, momentum=0.9),
    ],
)
def test_a_fused_optimiser_goes_the_same_way(optimizer):
    def one_kernel(parameters):
        found = fused(optimizer(parameters))
        assert all(group["fused"] for group in found.param_groups)
        return found

    for one, other in zip(trained(one_kernel), trained(optimizer), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_what_has_no_such_form_or_chose_another_is_left_alone():
    parameters = [nn.Parameter(torch.zeros(2))]
    assert "fused" not in fused(torch.optim.RMSprop(parameters)).param_groups[0]
    assert fused(torch.optim.Adam(parameters, fused=False)).param_groups[0]["fused"] is False
    assert fused(torch.optim.Adam(parameters, foreach=True)).param_groups[0]["fused"] is None


def test_an_average_follows_weights_by_its_decay_and_copies_buffers():
    model = network()
    average = copy.deepcopy(model)
    before = [parameter.clone() for parameter in average.parameters()]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    model[1].running_mean += 3
    update_average(average, model, decay=0.9, step=1000)
    for kept, old in zip(average.parameters(), before, strict=True):
        torch.testing.assert_close(kept, old + 0.1)
    assert torch.equal(average[1].running_mean, model[1].running_mean)
    update_average(average, model, decay=0.9, step=0)  # warmed up: at the first step a tenth stays
    for kept, parameter in zip(average.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(kept, parameter - 0.09)
