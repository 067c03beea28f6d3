"""Copies in disguise: exact, shifted, brighter or duller, lightly noisy.  Several distances, one calibrated answer."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.scoring.arrays import Array, Floats, Integers, Rows, numbers, same_width
from genbench.scoring.metrics.neighbours import nearest
from genbench.scoring.novelty import candidates
from genbench.scoring.novelty.calibrated import Calibration, calibrate_distances
from genbench.scoring.novelty.copying import shift_invariant_neighbours
from genbench.storage.arrays import blocks, take_rows

VIEWS = ("pixels", "shift", "contrast")
SCALE_ROWS, SCALE_QUANTILE = 1000, 0.05
FAR = 4.0  # from the origin: beyond twice the radius of what has norm 1

Images = NDArray[np.generic]
Search = Callable[[Images, Images], tuple[Floats, Integers]]


class Copies(NamedTuple):
    """For each sample the view in which it is closest to a training image, and how close.

    calibration: the rule of `calibrate_distances` on the joint statistic.  ratios (m,): that statistic, the smallest
    over views of distance / scale.  p_values (m,): share of held-out images at least as close, counting the sample.
    views (m,): place in VIEWS.  indices (m,): the training image in that view.  distances (m, 3): of each view, root
    mean square per pixel for the first two, between unit vectors for the third.  order (m,): closest sample first.
    scales (3,): what distances are divided by.  held_out_ratios (h,): the same statistic of the held-out images.
    """

    calibration: Calibration
    ratios: Floats
    p_values: Floats
    views: Integers
    indices: Integers
    distances: Floats
    order: Integers
    scales: Floats
    held_out_ratios: Floats


def find_copies(
    train: Array, held_out: Array, samples: Array, *, pixels: int = 1, quantile: float = 0.01, seed: int = 0
) -> Copies:
    """Which samples are nearer to a training image than held-out images are, in any of three views?

    Images (n, c, h, w), all of one range.  Views: Euclidean distance of pixels; the same up to a shift of `pixels` rows
    and columns (`shift_invariant_neighbours`); distance after each image's mean is taken off and its norm set to 1,
    which forgets brightness and contrast.  Images of one colour have no contrast view.

    The statistic of an image is its smallest distance over the views, each divided by a scale: a low quantile of the
    distances from one random half of the training images to the other.  The scales know nothing of held-out images or
    samples, so the statistic is one fixed function of an image, and the rule of `calibrate_distances` on it flags a new
    image with probability at most `quantile`, however many views there are: no correction for three tests is needed.
    Raises ValueError for bad input, fewer than four training images, and `pixels` that leave no overlap.
    """
    points, control, fakes = (
        numbers(x, name, ndim=4, rows=rows)
        for x, name, rows in ((train, "train", 4), (held_out, "held_out", 1), (samples, "samples", 1))
    )
    same_width(("train", points), ("held_out", control), ("samples", fakes))
    searches = _searches(pixels, len(points))
    scales = _scales(points, searches, seed)
    to_control, _ = _measure(points, control, searches)
    distances, indices = _measure(points, fakes, searches)
    control_ratios, by_view = (to_control / scales).min(axis=1), distances / scales
    views = by_view.argmin(axis=1)
    rows = np.arange(len(fakes))
    ratios, closest = by_view[rows, views], indices[rows, views]
    calibration = calibrate_distances(control_ratios, ratios, closest, quantile=quantile)
    below = np.searchsorted(np.sort(control_ratios), ratios, side="right")
    p_values = (1 + below) / (1 + len(control_ratios))
    order = np.lexsort((rows, ratios))
    return Copies(calibration, ratios, p_values, views, closest, distances, order, scales, control_ratios)


def _searches(pixels: int, count: int) -> tuple[Search, Search, Search]:
    """One nearest-neighbour search for each of VIEWS: (train, queries) -> distances (m,), rows (m,).

    count: of training images; of a long set the disguises are looked for among candidates.
    """

    def plain(train: Images, queries: Images) -> tuple[Floats, Integers]:
        distance, index = nearest(Rows(train, _flat), Rows(queries, _flat))
        return distance[:, 0] / math.prod(train.shape[1:]) ** 0.5, index[:, 0]

    def shifted(train: Images, queries: Images) -> tuple[Floats, Integers]:
        found = shift_invariant_neighbours(train, queries, pixels=pixels)
        return found.distances / math.prod(train.shape[1:]) ** 0.5, found.indices

    if count <= candidates.EXACT:
        return plain, shifted, _contrast
    return plain, _among(candidates.shifted(pixels)), _among(_contrast_pairs)


def _among(distance: candidates.Pairwise) -> Search:
    def search(train: Images, queries: Images) -> tuple[Floats, Integers]:
        places = candidates.candidates(train, queries, partial(_standardised, one_colour=0.0))
        return candidates.nearest_among(train, queries, places, distance)

    return search


def _contrast_pairs(images: Images, others: Images) -> Floats:
    far = FAR / math.prod(images.shape[1:]) ** 0.5
    of_queries, of_train = (partial(_standardised, one_colour=value) for value in (0.0, far))
    return candidates.along(of_queries, of_train)(images, others)


def _contrast(train: Images, queries: Images) -> tuple[Floats, Integers]:
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


def _measure(train: Images, queries: Images, searches: tuple[Search, ...]) -> tuple[Floats, Integers]:
    """Distances and training rows of every view, (m, views) each; see `candidates` for a long training set."""
    found = [search(train, queries) for search in searches]
    return np.stack([distance for distance, _ in found], 1), np.stack([index for _, index in found], 1)


def _scales(train: Images, searches: tuple[Search, ...], seed: int) -> Floats:
    """A low quantile of train-to-train distances in each view; where duplicates make that 0, the least above 0."""
    order = np.random.default_rng(seed).permutation(len(train))
    half = len(train) // 2
    queries = order[:half][:SCALE_ROWS]
    distances, _ = _measure(take_rows(train, order[half:]), take_rows(train, queries), searches)
    scales = np.quantile(distances, SCALE_QUANTILE, axis=0)
    for view in np.flatnonzero(scales == 0):
        positive = distances[distances[:, view] > 0, view]
        scales[view] = positive.min() if len(positive) else 1.0
    result: Floats = scales
    return result


def _flat(images: Images) -> Images:
    return images.reshape(len(images), -1)
