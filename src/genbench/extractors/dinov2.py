"""DINOv2 (Oquab et al., 2023), arXiv:2304.07193: a vision transformer trained without labels.

Stein et al. (2023), arXiv:2306.04675, find that its features rank generators as people do, where Inception's do not.
They use ViT-L/14: only `dinov2-l` may stand beside their numbers.

x → patches of 14 × 14 → + positions → blocks of x + γ₁·attention(norm x), x + γ₂·mlp(norm x) → norm → class token.
Names of tensors are those of the official checkpoints.
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

SIDE, BATCH = 224, 32
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, in [0, 1]


class Size(NamedTuple):
    width: int
    depth: int
    heads: int
    weights: checkpoint.Published


def _published(name: str, digest: str, size: int) -> checkpoint.Published:
    file = f"dinov2_{name}_pretrain.pth"
    return checkpoint.Published(
        f"https://dl.fbaipublicfiles.com/dinov2/dinov2_{name}/{file}", file, digest, size
    )


SIZES = {
    "s": Size(
        384,
        12,
        6,
        _published("vits14", "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9", 88_283_115),
    ),
    "b": Size(
        768,
        12,
        12,
        _published("vitb14", "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73", 346_378_731),
    ),
    "l": Size(
        1024,
        24,
        16,
        _published(
            "vitl14", "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428", 1_217_586_395
        ),
    ),
}


class Patches(nn.Module):
    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)  # (n, 3, h, w) -> (n, hw/196, width)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        )  # each (n, heads, t, width/heads)
        shares = (q * q.shape[-1] ** -0.5 @ k.transpose(2, 3)).softmax(3)
        return self.proj((shares @ v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Scale(nn.Module):
    """A factor for each dimension, learned; near 0 at first (Touvron et al., 2021)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = Attention(width, heads), Mlp(width)
        self.ls1, self.ls2 = Scale(width), Scale(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class Transformer(nn.Module):
    """(n, 3, h, w), normalised, sides multiples of `patch` -> class token (n, width).

    places: patches along a side of the images it was trained on, 37 for the official 518 pixels.
    """

    def __init__(self, width: int, depth: int, heads: int, *, patch: int = 14, places: int = 37) -> None:
        super().__init__()
        self.patch, self.places = patch, places
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, places**2 + 1, width))
        self.mask_token = nn.Parameter(torch.zeros(1, width))  # of the training; not used here
        self.patch_embed = Patches(width, patch)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def positions(self, rows: int, columns: int) -> Tensor:
        """Position embeddings for another grid, (1, 1 + rows·columns, width), bicubic.

        The published model scales by (rows + 0.1)/places instead of rows/places, a remedy for a rounding error that
        became part of it: row i looks at place (i + ½)·places/(rows + 0.1) − ½.
        """
        if rows == columns == self.places:
            return self.pos_embed
        grid = self.pos_embed[:, 1:].unflatten(1, (self.places, self.places)).permute(0, 3, 1, 2)
        factors = ((rows + 0.1) / self.places, (columns + 0.1) / self.places)
        moved = F.interpolate(grid, scale_factor=factors, mode="bicubic")  # (1, width, rows, columns)
        return torch.cat([self.pos_embed[:, :1], moved.flatten(2).transpose(1, 2)], 1)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patch_embed(x)
        x_tokens = torch.cat([self.cls_token.expand(len(x), -1, -1), patches], 1)
        h = x_tokens + self.positions(x.shape[2] // self.patch, x.shape[3] // self.patch)
        for block in self.blocks:
            h = block(h)
        return self.norm(h)[:, 0]


def prepared(x: Tensor) -> Tensor:
    """(n, 3, h, w) in 0 … 255 -> (n, 3, 224, 224), bicubic with antialiasing, normalised by ImageNet's moments."""
    if x.shape[2:] != (SIDE, SIDE):
        x = F.interpolate(x, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 255)
    mean, std = (torch.tensor(moment, device=x.device).view(3, 1, 1) for moment in (MEAN, STD))
    return (x / 255 - mean) / std


class DinoFeatures(Extractor):
    """The class token of DINOv2 of size s, b or l; grey images are repeated to three channels.

    Raises:
        InputError: no weights (see `checkpoint.find`), or weights of another network.
    """

    def __init__(self, size: str, weights: Path | None = None, *, device: str = "cpu") -> None:
        width, depth, heads, published = SIZES[size]
        self.name = f"dinov2-{size}"
        content, source = checkpoint.find(published, weights, name=self.name)
        self.sha256 = sha256(content)
        self.published = self.sha256 == published.sha256
        self.device = device
        with torch.device("meta"):
            model = Transformer(width, depth, heads)
        self.model = checkpoint.fill(model, checkpoint.tensors(content, source=source), source=source).to(
            device
        )

    @torch.no_grad()
    def outputs(self, images: np.ndarray) -> Outputs:
        parts = [self.model(prepared(x)) for x in batches(coloured(checked(images)), BATCH, self.device)]
        return Outputs(stacked(parts))
