"""What an unsupervised model's groups have to do with the classes that it was never told."""

import torch
from torch import Tensor


def classes_of_groups(group: Tensor, label: Tensor, groups: int, classes: int) -> Tensor:
    """Pairs of group and class, one to one, that agree for the most elements, by the Hungarian method.

    group, label: (n,) integers -> (groups,) the class of each, −1 where there are more groups than classes.
    """
    from scipy.optimize import linear_sum_assignment

    counts = torch.bincount(group * classes + label, minlength=groups * classes).reshape(groups, classes)
    matched, meant = linear_sum_assignment(counts.cpu().numpy(), maximize=True)
    found = torch.full((groups,), -1)
    found[matched] = torch.from_numpy(meant)
    return found.to(group.device)
