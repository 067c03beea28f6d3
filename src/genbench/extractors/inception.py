"""Inception-v3 as FID, KID and IS are defined on: the TensorFlow graph of 2015-12-05.

Szegedy et al. (2016), arXiv:1512.00567; Heusel et al. (2017), arXiv:1706.08500.  Where that graph differs from the
paper's network: average pools leave padding out, the last block pools by maximum, images are resized bilinearly with
corners at 0 (no half-pixel centres, no antialiasing) and mapped by (x − 128)/128, and there are 1008 logits.
The Inception Score uses the logits without their bias.  Names of tensors are those of the well-known conversion to
PyTorch, so that its state dict loads.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genbench.extractors import checkpoint
from genbench.extractors.base import Extractor, Outputs, batches, checked, coloured, stacked
from genbench.storage.files import sha256

SIDE, BATCH = 299, 32
WEIGHTS = checkpoint.Published(
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    "pt_inception-2015-12-05-6726825d.pth",
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    95_628_359,
)


class Conv(NamedTuple):
    """One convolution of a branch; unpadded with stride 2, else of the same size."""

    name: str
    outputs: int
    kernel: tuple[int, int]
    stride: int = 1


class Unit(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int], stride: int, padding: tuple[int, int]
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


def average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=1, padding=1)


def halving(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=2)


Branch = list[Conv | tuple[Conv, Conv]]


class Mixed(nn.Module):
    """Branches side by side and a pooled one, concatenated.  A pair of convolutions at the end of a branch forks it."""

    def __init__(self, inputs: int, branches: list[Branch], pool, pooled: int = 0) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.branches, self.pool = branches, pool
        if pooled:
            self.branch_pool = Unit(inputs, pooled, (1, 1), 1, (0, 0))
        self.outputs = pooled or inputs
        for branch in branches:
            width = inputs
            for step in branch:
                convs = (step,) if isinstance(step, Conv) else step
                for conv in convs:
                    padding = (conv.kernel[0] // 2, conv.kernel[1] // 2) if conv.stride == 1 else (0, 0)
                    setattr(self, conv.name, Unit(width, conv.outputs, conv.kernel, conv.stride, padding))
                width = sum(conv.outputs for conv in convs)
            self.outputs += width

    def forward(self, x: Tensor) -> Tensor:
        found = []
        for branch in self.branches:
            h = x
            for step in branch:
                convs = (step,) if isinstance(step, Conv) else step
                h = torch.cat([getattr(self, conv.name)(h) for conv in convs], 1)
            found.append(h)
        pooled = self.pool(x)
        return torch.cat([*found, self.branch_pool(pooled) if hasattr(self, "branch_pool") else pooled], 1)


def block_a(inputs: int, pooled: int) -> Mixed:
    """35 × 35"""
    five: Branch = [Conv("branch5x5_1", 48, (1, 1)), Conv("branch5x5_2", 64, (5, 5))]
    double: Branch = [
        Conv("branch3x3dbl_1", 64, (1, 1)),
        Conv("branch3x3dbl_2", 96, (3, 3)),
        Conv("branch3x3dbl_3", 96, (3, 3)),
    ]
    return Mixed(inputs, [[Conv("branch1x1", 64, (1, 1))], five, double], average, pooled)


def block_b(inputs: int) -> Mixed:
    """35 × 35 -> 17 × 17"""
    double: Branch = [
        Conv("branch3x3dbl_1", 64, (1, 1)),
        Conv("branch3x3dbl_2", 96, (3, 3)),
        Conv("branch3x3dbl_3", 96, (3, 3), 2),
    ]
    return Mixed(inputs, [[Conv("branch3x3", 384, (3, 3), 2)], double], halving)


def block_c(inputs: int, inner: int) -> Mixed:
    """17 × 17"""
    seven: Branch = [
        Conv("branch7x7_1", inner, (1, 1)),
        Conv("branch7x7_2", inner, (1, 7)),
        Conv("branch7x7_3", 192, (7, 1)),
    ]
    double: Branch = [
        Conv("branch7x7dbl_1", inner, (1, 1)),
        Conv("branch7x7dbl_2", inner, (7, 1)),
        Conv("branch7x7dbl_3", inner, (1, 7)),
        Conv("branch7x7dbl_4", inner, (7, 1)),
        Conv("branch7x7dbl_5", 192, (1, 7)),
    ]
    return Mixed(inputs, [[Conv("branch1x1", 192, (1, 1))], seven, double], average, 192)


def block_d(inputs: int) -> Mixed:
    """17 × 17 -> 8 × 8"""
    three: Branch = [Conv("branch3x3_1", 192, (1, 1)), Conv("branch3x3_2", 320, (3, 3), 2)]
    seven: Branch = [
        Conv("branch7x7x3_1", 192, (1, 1)),
        Conv("branch7x7x3_2", 192, (1, 7)),
        Conv("branch7x7x3_3", 192, (7, 1)),
        Conv("branch7x7x3_4", 192, (3, 3), 2),
    ]
    return Mixed(inputs, [three, seven], halving)


def block_e(inputs: int, pool) -> Mixed:  # type: ignore[no-untyped-def]
    """8 × 8"""
    three: Branch = [
        Conv("branch3x3_1", 384, (1, 1)),
        (Conv("branch3x3_2a", 384, (1, 3)), Conv("branch3x3_2b", 384, (3, 1))),
    ]
    double: Branch = [
        Conv("branch3x3dbl_1", 448, (1, 1)),
        Conv("branch3x3dbl_2", 384, (3, 3)),
        (Conv("branch3x3dbl_3a", 384, (1, 3)), Conv("branch3x3dbl_3b", 384, (3, 1))),
    ]
    return Mixed(inputs, [[Conv("branch1x1", 320, (1, 1))], three, double], pool, 192)


class Inception(nn.Module):
    """(n, 3, h, w) in 0 … 255 -> features (n, 2048), logits without bias (n, 1008)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, (3, 3), 2, (0, 0))
        self.Conv2d_2a_3x3 = Unit(32, 32, (3, 3), 1, (0, 0))
        self.Conv2d_2b_3x3 = Unit(32, 64, (3, 3), 1, (1, 1))
        self.Conv2d_3b_1x1 = Unit(64, 80, (1, 1), 1, (0, 0))
        self.Conv2d_4a_3x3 = Unit(80, 192, (3, 3), 1, (0, 0))
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = block_a(192, 32), block_a(256, 64), block_a(288, 64)
        self.Mixed_6a = block_b(288)
        self.Mixed_6b, self.Mixed_6c = block_c(768, 128), block_c(768, 160)
        self.Mixed_6d, self.Mixed_6e = block_c(768, 160), block_c(768, 192)
        self.Mixed_7a = block_d(768)
        self.Mixed_7b, self.Mixed_7c = block_e(1280, average), block_e(2048, maximum)
        self.fc = nn.Linear(2048, 1008)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = (resize(x, SIDE) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))  # (n, 64, 147, 147)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(halving(x)))
        x = halving(x)  # (n, 192, 35, 35)
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x)))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))  # (n, 768, 17, 17)
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))  # (n, 2048, 8, 8)
        features = x.mean((2, 3))
        return features, features @ self.fc.weight.T


def resize(x: Tensor, side: int) -> Tensor:
    """Bilinear as in TensorFlow 1: output i looks at input i·(in/out), between its floor and the next pixel."""
    for axis in (3, 2):
        length = x.shape[axis]
        place = torch.arange(side, dtype=torch.float32, device=x.device) * torch.tensor(length / side)
        low = place.long()
        share = (place - low).view([-1 if i == axis else 1 for i in range(4)])
        first = x.index_select(axis, low)
        x = first + (x.index_select(axis, (low + 1).clamp_max(length - 1)) - first) * share
    return x


class InceptionFeatures(Extractor):
    """2048 pool features and 1008 probabilities; grey images are repeated to three channels.

    Raises:
        InputError: no weights (see `checkpoint.find`), or weights of another network.
    """

    name = "inception"

    def __init__(self, weights: Path | None = None, *, device: str = "cpu") -> None:
        content, source = checkpoint.find(WEIGHTS, weights, name=self.name)
        self.sha256 = sha256(content)
        self.published = self.sha256 == WEIGHTS.sha256
        self.device = device
        with torch.device("meta"):
            model = Inception()
        self.model = checkpoint.fill(model, checkpoint.tensors(content, source=source), source=source).to(
            device
        )

    @torch.no_grad()
    def outputs(self, images: np.ndarray) -> Outputs:
        found = [self.model(x) for x in batches(coloured(checked(images)), BATCH, self.device)]
        probabilities = [logits.double().softmax(1) for _, logits in found]
        return Outputs(stacked([features for features, _ in found]), stacked(probabilities))
