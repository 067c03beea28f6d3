"""Whether Markov chains mix, by the classes that they visit."""

import torch
from torch import Tensor


def class_changes(states: Tensor, train: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Chains (steps, n, D), and training elements (m, D) with labels (m,): of a state the label of the nearest.

    -> the share of steps after which a chain's class is another one, (n,), and how many classes it visits, (n,).
    """
    nearest = torch.stack([torch.cdist(x, train).argmin(1) for x in states])
    classes = label[nearest]  # (steps, n)
    changes = (classes[1:] != classes[:-1]).float().mean(0)
    visited = torch.stack([(classes == k).any(0) for k in label.unique()]).sum(0)
    return changes, visited.float()
