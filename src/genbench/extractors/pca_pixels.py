"""Principal components of the training images' pixels: the plainest features that know the data."""

import hashlib

import numpy as np

from genbench.extractors.base import Extractor, Outputs, checked
from genbench.images import reduced
from genbench.metrics.arrays import Floats

MOST, SIDE = 64, 32


class PcaPixels(Extractor):
    """Coordinates along the first k principal components of the training images, pixels in [0, 1], not whitened.

    Distances between features are distances between images seen through k components.  Images with a side above 32 are
    averaged down to 32 first.  The hash is that of the training images and k: they define the features.
    """

    name = "pca-pixels"
    fitted = True

    def __init__(self, train: np.ndarray, *, components: int | None = None) -> None:
        rows = self._rows(checked(train))
        most = min(len(rows) - 1, rows.shape[1])
        self.shape = train.shape[1:]
        self.components = min(MOST, most) if components is None else components
        if not 1 <= self.components <= most:
            raise ValueError(f"components: {self.components}, expected 1 to {most} for {len(rows)} images")
        self.centre = rows.mean(axis=0)
        self.axes = _principal_axes(rows - self.centre)[:, : self.components]
        definition = f"{self.name} 1 {self.components} {train.shape}".encode()
        self.sha256 = hashlib.sha256(definition + train.tobytes()).hexdigest()

    def outputs(self, images: np.ndarray) -> Outputs:
        if checked(images).shape[1:] != self.shape:
            raise ValueError(f"images: {images.shape[1:]}, expected {self.shape} as the training images")
        return Outputs((self._rows(images) - self.centre) @ self.axes)

    @staticmethod
    def _rows(images: np.ndarray) -> Floats:
        """(n, c, h, w) -> (n, c·h·w) in [0, 1]"""
        small = reduced(images, SIDE)
        rows: Floats = small.reshape(len(small), -1) / 255
        return rows


def _principal_axes(centred: Floats) -> Floats:
    """Orthonormal columns by falling variance; the largest entry of each is positive, so that signs are settled."""
    n, d = centred.shape
    if n <= d:
        axes = np.linalg.svd(centred, full_matrices=False)[2].T
    else:
        axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    result: Floats = np.ascontiguousarray(axes * np.where(signs == 0, 1, signs))
    return result
