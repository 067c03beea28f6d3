"""Standing statistics of batch norm (Brock et al., 2019, arXiv:1809.11096, appendix D)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


@torch.no_grad()
def take_statistics(network: nn.Module, codes: Callable[[], Tensor], times: int) -> None:
    """Means and variances over so many batches of codes, all counting alike, for the weights as they now are.

    Those taken on the way belong to other weights: to the last of the game, not to their average.
    """
    norms = [each for each in network.modules() if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta, training = [each.momentum for each in norms], network.training
    for each in norms:
        each.reset_running_stats()
        each.momentum = None
    network.train()
    for _ in range(times):
        network(codes())
    network.train(training)
    for each, momentum in zip(norms, momenta, strict=True):
        each.momentum = momentum
