"""Disguised copies in a long training set: looked for among the few images that a coarse view finds nearest.

An exact search for shifted copies costs one search for each shift.  Here one search in coarse views, of as many numbers
as a small image has, names some candidates for each image, and only these are compared in full.  What it finds is still
one fixed function of an image, so that a calibration on held-out images holds as before; a copy is missed where so many
other training images look more like it from afar.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.data.pixels import reduced
from genbench.scoring.arrays import Floats, Integers, Nearest, Rows
from genbench.scoring.neighbours import GATHER, nearest
from genbench.storage.arrays import release_pages, slices

EXACT, NUMBERS = (
    20_000,
    1 << 24,
)  # training images, and numbers in them, up to which every one of them is compared
CANDIDATES, SIDE = 16, 8  # of each image, and of the coarse view

Images = NDArray[Any]
Pairwise = Callable[[Images, Images], Floats]
"""Images (b, c, h, w), and of each its candidates (b, k, c, h, w) -> distances (b, k)."""


def candidates(train: Images, queries: Images, view: Callable[[Images], Images]) -> Integers:
    """The training images nearest to each query in a coarse view, in their order: (m, k).

    view: images (n, c, h, w), averaged down to SIDE -> rows (n, d), in which brightness and contrast do not count.
    """

    def coarse(images: Images) -> Images:
        return view(reduced(images, SIDE))

    found = nearest(Rows(train, coarse), Rows(queries, coarse), k=min(CANDIDATES, len(train)))[1]
    return np.sort(found, axis=1)


def nearest_among(train: Images, queries: Images, places: Integers, distance: Pairwise) -> Nearest:
    """The nearest of each query's candidates: distances (m,), rows of train (m,); the lower row where two are equal."""
    distances, rows = np.empty(len(queries)), np.empty(len(queries), dtype=np.int64)
    for part in _parts(queries, places.shape[1]):
        found = distance(queries[part], train[places[part]])
        release_pages(train)
        best = found.argmin(axis=1)
        every = np.arange(len(best))
        distances[part], rows[part] = found[every, best], places[part][every, best]
    return distances, rows


def shifted(pixels: int) -> Pairwise:
    """Root mean square over the overlap, the smallest over all shifts by up to so many rows and columns."""

    def distance(images: Images, others: Images) -> Floats:
        height, width = images.shape[-2:]
        images, others = images.astype(np.float32), others.astype(np.float32)
        found: Floats = np.full(others.shape[:2], np.inf)
        reach = range(-pixels, pixels + 1)
        for r, c in ((r, c) for r in reach for c in reach):
            mine, theirs = (_overlap(x, s * r, s * c, height, width) for x, s in ((images, 1), (others, -1)))
            gap = theirs - mine[:, None]
            squares = np.square(gap, out=gap).reshape(*found.shape, -1)
            np.minimum(found, np.sqrt(squares.mean(axis=2)), out=found)
        return found

    return distance


def along(view: Callable[[Images], Images], other_view: Callable[[Images], Images]) -> Pairwise:
    """Euclidean between rows (n, d) that one function makes of queries and the other of training images."""

    def distance(images: Images, others: Images) -> Floats:
        theirs = other_view(others.reshape(-1, *others.shape[2:])).reshape(*others.shape[:2], -1)
        gap = theirs.astype(np.float64) - view(images)[:, None]
        result: Floats = np.sqrt((gap * gap).sum(axis=2))
        return result

    return distance


def _overlap(x: Images, r: int, c: int, height: int, width: int) -> Images:
    return x[..., max(r, 0) : height + min(r, 0), max(c, 0) : width + min(c, 0)]


def _parts(queries: Images, k: int) -> Iterator[slice]:
    return slices(len(queries), max(1, GATHER // (k * queries[:1].size)))
