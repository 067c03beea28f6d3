"""Nearest training images where an image may be moved by a few pixels."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.scoring.arrays import Array, Floats, Integers, Rows, numbers, same_width
from genbench.scoring.neighbours import nearest


class ShiftedNeighbours(NamedTuple):
    """distances, indices (m,): nearest training image and its number.  shifts (m, 2): rows, columns moved."""

    distances: Floats
    indices: Integers
    shifts: Integers


def shift_invariant_neighbours(train: Array, samples: Array, *, pixels: int = 1) -> ShiftedNeighbours:
    """Nearest training image of each sample, when the sample may be moved by up to `pixels` rows and columns.

    Images (n, h, w) or (n, c, h, w).  For each of the (2·pixels+1)² shifts only the overlap is compared, and
    its distance is scaled by √(pixels of the image / pixels of the overlap), so that shifts compete fairly; a
    shifted copy is at distance 0.  The smallest shift wins ties.  A shift (r, c) says that sample[i, j] shows
    train[i−r, j−c]. Calibrate against held-out images measured in the same way (`calibrate_distances`).
    Raises ValueError for bad input and where `pixels` leaves no overlap.
    """
    axes = np.ndim(train)
    points, fakes = (
        numbers(x, name, ndim=axes if axes in (3, 4) else 4)
        for x, name in ((train, "train"), (samples, "samples"))
    )
    same_width(("train", points), ("samples", fakes))
    height, width = points.shape[-2:]
    if not 0 <= pixels < min(height, width):
        raise ValueError(
            f"pixels: {pixels}, expected 0 to {min(height, width) - 1} for {height}x{width} images"
        )
    best = ShiftedNeighbours(
        np.full(len(fakes), np.inf),
        np.zeros(len(fakes), dtype=np.int64),
        np.zeros((len(fakes), 2), dtype=np.int64),
    )
    reach = range(-pixels, pixels + 1)
    for r, c in sorted(((r, c) for r in reach for c in reach), key=lambda s: (s[0] ** 2 + s[1] ** 2, s)):
        mine, theirs = (
            Rows(x, partial(_crop, r=sign * r, c=sign * c)) for x, sign in ((fakes, 1), (points, -1))
        )
        distance, index = nearest(theirs, mine)
        scaled = distance[:, 0] * (height * width / ((height - abs(r)) * (width - abs(c)))) ** 0.5
        better = scaled < best.distances
        best.distances[better], best.indices[better] = scaled[better], index[better, 0]
        best.shifts[better] = (r, c)
    return best


def _crop(images: NDArray[np.generic], r: int, c: int) -> NDArray[np.generic]:
    """Images without their first r rows and c columns (the last, if negative), as rows (n, −1)."""
    height, width = images.shape[-2:]
    rows = slice(max(r, 0), height + min(r, 0))
    columns = slice(max(c, 0), width + min(c, 0))
    return np.ascontiguousarray(images[..., rows, columns]).reshape(len(images), -1)
