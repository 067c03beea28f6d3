"""Random smooth deformations of images (Simard et al., 2003), as the public code of DeepFakes draws them."""

import torch
from torch import Tensor
from torch.nn import functional as F

GRID = 5  # points a side that are shifted; between them the shift is interpolated


def warped(x: Tensor, spread: float) -> Tensor:
    """(n, c, h, w) -> the same, read at places that are shifted by N(0, spread²) sides at 5 × 5 points of a grid.

    The shifts come from torch's own random state; they are drawn on the CPU, so that every device sees the same.
    Beyond the borders stand their own pixels.
    """
    n, _, height, width = x.shape
    shifts = 2 * spread * torch.randn(n, 2, GRID, GRID)  # places span −1 … 1
    flow = F.interpolate(shifts, (height, width), mode="bilinear", align_corners=True)
    rows, columns = (torch.arange(side) * 2 + 1 for side in (height, width))
    y, across = rows / height - 1, columns / width - 1
    places = torch.stack(torch.meshgrid(across, y, indexing="xy"), 2)  # (h, w, 2), x before y
    grid = (places + flow.permute(0, 2, 3, 1)).to(x.device)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
