"""Standing statistics: means over all batches for the weights at hand, and nothing else of the network changes."""

import torch
from torch import nn

from genbench.nn.standing import take_statistics


def test_statistics_are_those_of_all_batches_for_the_weights_at_hand() -> None:
    torch.manual_seed(0)
    linear, norm = nn.Linear(3, 4), nn.BatchNorm1d(4)
    network = nn.Sequential(linear, norm).eval()
    norm.running_mean = torch.full((4,), 9.0)  # left by other weights
    batches = torch.randn(5, 50, 3)
    drawn = iter(batches)
    take_statistics(network, lambda: next(drawn), len(batches))
    with torch.no_grad():
        h = linear(batches)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    torch.testing.assert_close(norm.running_mean, h.mean((0, 1)), rtol=0, atol=1e-5)
    torch.testing.assert_close(norm.running_var, h.var(1).mean(0), rtol=0, atol=1e-5)
    assert norm.momentum == 0.1
    assert not network.training
