"""Control: tokens as frequent as in training, whatever stands before them, of those that may follow.

Four histograms with add-one smoothing: of z with "stop", of y, of x, and of the tokens of faces.
"""

from typing import ClassVar

import torch
from torch import Tensor

from genbench.core import Phase, Space, Splits
from genbench.nn.attention import KVCache
from genbench.nn.mesh_tokens import MeshModel, split


class TokenFrequency(MeshModel):
    """bits: of the data's coordinates."""

    tiny: ClassVar = {"bits": 1}

    log_coordinates: Tensor
    log_corners: Tensor

    def __init__(self, space: Space, *, bits: int = 8) -> None:
        super().__init__(space, bits=bits)
        self.register_buffer("log_coordinates", torch.zeros(3, 1 + self.values))
        self.register_buffer("log_corners", torch.zeros(2 + self.most))

    @property
    def free_parameters(self) -> int:
        """Of each histogram one fewer than tokens that can occur: "stop" is no y and no x."""
        histograms = [self.values + 1, self.values, self.values, len(self.log_corners), len(self.class_log_p)]
        return sum(size - 1 for size in histograms)

    def fit(self, splits: Splits) -> None:
        super().fit(splits)
        tokens = split(splits.train.whole())
        for k in range(3):
            self.log_coordinates[k] = _log_frequencies(tokens.vertices[:, k::3], 1 + self.values)
        self.log_corners.copy_(_log_frequencies(tokens.faces, 2 + self.most))

    def phases(self) -> list[Phase]:
        return [Phase("histograms", fit=self.fit)]

    def vertex_logits(self, before: Tensor, labels: Tensor, cache: KVCache | None = None) -> Tensor:
        at = torch.arange(before.shape[1] + 1, device=before.device) % 3
        return self.log_coordinates[at].expand(len(before), -1, -1)

    def face_logits(
        self, before: Tensor, vertices: Tensor, count: Tensor, labels: Tensor, cache: KVCache | None = None
    ) -> Tensor:
        return self.log_corners.expand(len(before), before.shape[1] + 1, -1)


def _log_frequencies(tokens: Tensor, size: int) -> Tensor:
    counts = torch.bincount(tokens[tokens >= 0], minlength=size) + 1.0
    return (counts / counts.sum()).log()
