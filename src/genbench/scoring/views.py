"""How far images are from training images in several views: pixels, shifted pixels, contrast.

Copies in disguise are near in one of them: shifted, brighter or duller, lightly noisy.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.scoring import candidates
from genbench.scoring.arrays import Floats, Integers, Nearest, Rows
from genbench.scoring.neighbours import nearest
from genbench.scoring.shifts import shift_invariant_neighbours
from genbench.storage.arrays import blocks, take_rows

VIEWS = ("pixels", "shift", "contrast")
SCALE_ROWS, SCALE_QUANTILE = 1000, 0.05
FAR = 4.0  # from the origin: beyond twice the radius of what has norm 1

Images = NDArray[np.generic]
Search = Callable[[Images, Images], tuple[Nearest, ...]]


class ToTrain(NamedTuple):
    """What the rule for copies asks of held-out images and of training images alone.

    scales (3,): what the distances of each view are divided by.  distances (h, 3): of held-out images to the nearest
    training image, view by view, not divided.
    """

    scales: Floats
    distances: Floats


def to_train(train: Images, held_out: Images, *, pixels: int, seed: int) -> ToTrain:
    """Images (n, c, h, w); pixels: how far an image may be moved; seed: which half of the training images."""
    searches = searches_of(pixels, train.shape)
    return ToTrain(scales_of(train, searches, seed), measure(train, held_out, searches)[0])


def searches_of(pixels: int, shape: tuple[int, ...]) -> tuple[Search, Search]:
    """Of pixels, and of the other VIEWS: (train, queries) -> for each view distances (m,), rows (m,).

    shape: of the training images (n, c, h, w); in a large set the disguises are looked for among candidates.
    """

    def plain(train: Images, queries: Images) -> tuple[Nearest]:
        distance, index = nearest(Rows(train, _flat), Rows(queries, _flat))
        return ((distance[:, 0] / math.prod(train.shape[1:]) ** 0.5, index[:, 0]),)

    def disguised(train: Images, queries: Images) -> tuple[Nearest, Nearest]:
        found = shift_invariant_neighbours(train, queries, pixels=pixels)
        shifted = found.distances / math.prod(train.shape[1:]) ** 0.5, found.indices
        return shifted, _contrast(train, queries)

    def among_candidates(train: Images, queries: Images) -> tuple[Nearest, ...]:
        places = candidates.candidates(train, queries, partial(_standardised, one_colour=0.0))
        views = candidates.shifted(pixels), candidates.contrast(FAR)
        return tuple(candidates.nearest_among(train, queries, places, view) for view in views)

    every_one = shape[0] <= candidates.EXACT and math.prod(shape) <= candidates.NUMBERS
    return plain, disguised if every_one else among_candidates


def _contrast(train: Images, queries: Images) -> Nearest:
    if not any(_varied(block).any() for block in blocks(train)):
        return np.ones(len(queries)), np.zeros(len(queries), dtype=np.int64)
    points = Rows(train, partial(_standardised, one_colour=FAR / math.prod(train.shape[1:]) ** 0.5))
    distance, index = nearest(points, Rows(queries, partial(_standardised, one_colour=0.0)))
    return distance[:, 0], index[:, 0]


def _standardised(images: Images, *, one_colour: float) -> NDArray[np.float32]:
    """Rows of mean 0 and norm 1.  An image of one colour has no direction: all its numbers are `one_colour`.

    Among queries 0: at distance 1, orthogonal, to everything.  Among training images so much that none is the nearest.
    """
    rows = _flat(images).astype(np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    norm = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    rows /= np.where(norm > 0, norm, 1.0)
    return np.where(_varied(images)[:, None], rows, one_colour).astype(np.float32)


def _varied(images: Images) -> NDArray[np.bool_]:
    """Which are not of one colour."""
    rows = _flat(images)
    varied: NDArray[np.bool_] = rows.max(axis=1) > rows.min(axis=1)
    return varied


def measure(
    train: Images,
    queries: Images,
    searches: tuple[Search, Search],
    *,
    pixels: Nearest | None = None,
) -> tuple[Floats, Integers]:
    """Distances and training rows of every view, (m, views) each; see `candidates` for a long training set.

    pixels: of the first view the Euclidean distances (m,) and rows (m,), where they are known.
    """
    plain, disguised = searches
    known = None if pixels is None else (pixels[0] / math.prod(train.shape[1:]) ** 0.5, pixels[1])
    found = (*((known,) if known else plain(train, queries)), *disguised(train, queries))
    return np.stack([distance for distance, _ in found], 1), np.stack([index for _, index in found], 1)


def scales_of(train: Images, searches: tuple[Search, Search], seed: int) -> Floats:
    """A low quantile of train-to-train distances in each view; where duplicates make that 0, the least above 0."""
    order = np.random.default_rng(seed).permutation(len(train))
    half = len(train) // 2
    queries = order[:half][:SCALE_ROWS]
    distances, _ = measure(take_rows(train, order[half:]), take_rows(train, queries), searches)
    scales = np.quantile(distances, SCALE_QUANTILE, axis=0)
    for view in np.flatnonzero(scales == 0):
        positive = distances[distances[:, view] > 0, view]
        scales[view] = positive.min() if len(positive) else 1.0
    result: Floats = scales
    return result


def _flat(images: Images) -> Images:
    return images.reshape(len(images), -1)
