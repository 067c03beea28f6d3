"""What moves weights, and their average: one kernel over all tensors of a model in place of one for each."""

import torch
from torch import nn
from torch.optim import Optimizer


def fused(optimizer: Optimizer) -> Optimizer:
    """The same optimiser, with its update in one pass over memory where it has such a form: Adam, AdamW, SGD, Adagrad.

    An entry that chooses a form by itself, `fused=False` or `foreach=True`, keeps it.  Of the others only the order of
    roundings differs, and elementwise kernels give the same bits every time, on every device.
    """
    for group in optimizer.param_groups:
        if group.get("fused", False) is None and not group["foreach"] and not group["differentiable"]:
            group["fused"] = True
    return optimizer


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Exponential moving average of the weights, warmed up so that early steps do not linger; buffers are copied."""
    decay = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
    for kept, buffer in zip(average.buffers(), model.buffers(), strict=True):
        kept.copy_(buffer)
