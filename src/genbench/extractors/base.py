"""What every extractor is: a name, a hash of what defines it, and a function from images to features."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from genbench.scoring.arrays import Floats


class Outputs(NamedTuple):
    """features (n, d) and class probabilities (n, classes), None where the extractor is no classifier."""

    features: Floats
    probabilities: Floats | None = None


class Extractor(ABC):
    """Images are uint8 (n, c, h, w) over the full range 0 … 255, c 1 or 3, of any size.

    name: as in reports.  sha256: of the weights file, or of the definition.  published: whether its numbers may
    stand beside published ones, that is, whether the weights are the well-known ones.  fitted: whether it was made from
    training images, and so may see them differently from new ones.
    """

    name: str
    sha256: str
    published: bool = False
    fitted: bool = False

    @abstractmethod
    def outputs(self, images: np.ndarray) -> Outputs:
        """Features and probabilities in one pass, float64.  Raises ValueError for anything but such images."""

    def features(self, images: np.ndarray) -> Floats:
        """(n, d)"""
        return self.outputs(images).features

    def probabilities(self, images: np.ndarray) -> Floats | None:
        """(n, classes), rows that sum to 1; None without a classifier."""
        return self.outputs(images).probabilities


def checked(images: np.ndarray) -> np.ndarray:
    """Raises ValueError unless uint8 (n, c, h, w) with n ≥ 1 and 1 or 3 channels."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape:
        raise ValueError(f"images: {images.dtype} {images.shape}, expected uint8 (n, 1 or 3, h, w)")
    return images


def batches(images: np.ndarray, size: int, device: str = "cpu") -> Iterator[Tensor]:
    """The images in order, `size` at a time, as float32 tensors of 0 … 255."""
    for start in range(0, len(images), size):
        yield torch.tensor(images[start : start + size]).to(device).float()


def coloured(images: np.ndarray) -> np.ndarray:
    """Grey images with their one channel three times; coloured ones as they are."""
    return np.repeat(images, 3, axis=1) if images.shape[1] == 1 else images


def stacked(parts: list[Tensor]) -> Floats:
    """(b, d) each, end to end in float64; takes the parts away one by one, so that nothing is held twice."""
    result: Floats = np.empty((sum(map(len, parts)), parts[0].shape[1]))
    start = 0
    while parts:
        part = parts.pop(0)
        result[start : start + len(part)] = part.double().cpu().numpy()
        start += len(part)
    return result
