"""Held-out images put together from parts of two: each part is perfect, and only what spans the whole is wrong."""

import numpy as np

from genbench.scoring.resampling import FOLDS


def beside(x: np.ndarray) -> np.ndarray:
    """The left half of each image, the right half of the one before it in the same fold: (n, c, h, w)."""
    return joined(x, axis=3, cut=x.shape[3] // 2)


def joined(x: np.ndarray, *, axis: int, cut: int) -> np.ndarray:
    """Each image (n, c, h, w) before `cut` along an axis, from there on the one before it in the same fold."""
    mixed = x.copy()
    rest = (slice(None),) * axis + (slice(cut, None),)
    mixed[rest] = np.roll(x, FOLDS, axis=0)[rest]
    return mixed
