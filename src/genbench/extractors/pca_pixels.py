"""Principal components of the training images' pixels: the plainest features that know the data."""

import hashlib
from collections.abc import Iterable
from typing import Self

import numpy as np

from genbench.data.pixels import reduced
from genbench.extractors.base import Extractor, Outputs, checked
from genbench.scoring.arrays import Floats
from genbench.storage.arrays import blocks, raw_bytes, release_pages, slices

MOST, SIDE = 64, 32
HELD = 1 << 29  # bytes of rows that are made at once


class PcaPixels(Extractor):
    """Coordinates along the first k principal components of the training images, pixels in [0, 1], not whitened.

    Distances between features are distances between images seen through k components.  Images with a side above 32 are
    averaged down to 32 first.  The hash is that of the training images and k: they define the features.
    """

    name = "pca-pixels"
    fitted = True

    def __init__(self, train: np.ndarray, *, components: int | None = None) -> None:
        self.shape = checked(train).shape[1:]
        width = self._rows(train[:1]).shape[1]
        most = min(len(train) - 1, width)
        self.components = min(MOST, most) if components is None else components
        if not 1 <= self.components <= most:
            raise ValueError(f"components: {self.components}, expected 1 to {most} for {len(train)} images")
        step = max(1, HELD // (8 * width))
        self.centre = sum(self._rows(train[part]).sum(axis=0) for part in slices(len(train), step)) / len(
            train
        )
        centred = (self._centred(train[part]) for part in slices(len(train), step))
        # In one piece, as a kept copy is: products with other strides differ in the last bits.
        self.axes = np.ascontiguousarray(_principal_axes(centred, len(train), width)[:, : self.components])
        digest = hashlib.sha256(f"{self.name} 1 {self.components} {train.shape}".encode())
        for block in blocks(train):
            digest.update(raw_bytes(block))
        self.sha256 = digest.hexdigest()

    @classmethod
    def restored(cls, shape: tuple[int, ...], centre: Floats, axes: Floats, sha256: str) -> Self:
        """The one whose attributes of these names were kept: no training image is looked at."""
        found = cls.__new__(cls)
        found.shape, found.centre, found.axes, found.sha256 = shape, centre, axes, sha256
        found.components = axes.shape[1]
        return found

    def outputs(self, images: np.ndarray) -> Outputs:
        if checked(images).shape[1:] != self.shape:
            raise ValueError(f"images: {images.shape[1:]}, expected {self.shape} as the training images")
        return Outputs(self._centred(images) @ self.axes)

    def _centred(self, images: np.ndarray) -> Floats:
        rows = self._rows(images)
        rows -= self.centre
        return rows

    @staticmethod
    def _rows(images: np.ndarray) -> Floats:
        """(n, c, h, w) -> (n, c·h·w) in [0, 1]"""
        small = reduced(images, SIDE)
        rows: Floats = small.reshape(len(small), -1) / 255
        release_pages(images)
        return rows


def _principal_axes(centred: Iterable[Floats], n: int, d: int) -> Floats:
    """Of (n, d) in parts.

    Orthonormal columns by falling variance; the largest entry of each is positive, so that signs are settled.
    """
    if n <= d:
        axes = np.linalg.svd(np.concatenate(list(centred)), full_matrices=False)[2].T
    else:
        axes = np.linalg.eigh(sum(part.T @ part for part in centred))[1][:, ::-1]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    result: Floats = np.ascontiguousarray(axes * np.where(signs == 0, 1, signs))
    return result
