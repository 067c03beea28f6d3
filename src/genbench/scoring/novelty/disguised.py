"""Copies in disguise: exact, shifted, brighter or duller, lightly noisy.  Several distances, one calibrated answer."""

from typing import NamedTuple

import numpy as np

from genbench.scoring.arrays import Array, Floats, Integers, Nearest, numbers, same_width
from genbench.scoring.novelty.calibrated import Calibration, calibrate_distances
from genbench.scoring.views import ToTrain, measure, searches_of, to_train


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
    train: Array,
    held_out: Array,
    samples: Array,
    *,
    pixels: int = 1,
    quantile: float = 0.01,
    seed: int = 0,
    known: ToTrain | None = None,
    nearest: Nearest | None = None,
) -> Copies:
    """Which samples are nearer to a training image than held-out images are, in any of three views?

    Images (n, c, h, w), all of one range.  Views: Euclidean distance of pixels; the same up to a shift of `pixels` rows
    and columns (`shift_invariant_neighbours`); distance after each image's mean is taken off and its norm set to 1,
    which forgets brightness and contrast.  Images of one colour have no contrast view.

    The statistic of an image is its smallest distance over the views, each divided by a scale: a low quantile of the
    distances from one random half of the training images to the other.  The scales know nothing of held-out images or
    samples, so the statistic is one fixed function of an image, and the rule of `calibrate_distances` on it flags a new
    image with probability at most `quantile`, however many views there are: no correction for three tests is needed.
    known: what `to_train` gives for these sets, `pixels` and `seed`; nearest: of the training images nearest to the
    samples, pixel by pixel, distances (m,) and rows (m,).  Either is computed where it is not given.
    Raises ValueError for bad input, fewer than four training images, and `pixels` that leave no overlap.
    """
    points, control, fakes = (
        numbers(x, name, ndim=4, rows=rows)
        for x, name, rows in ((train, "train", 4), (held_out, "held_out", 1), (samples, "samples", 1))
    )
    same_width(("train", points), ("held_out", control), ("samples", fakes))
    scales, to_control = known or to_train(points, control, pixels=pixels, seed=seed)
    distances, indices = measure(points, fakes, searches_of(pixels, points.shape), pixels=nearest)
    control_ratios, by_view = (to_control / scales).min(axis=1), distances / scales
    views = by_view.argmin(axis=1)
    rows = np.arange(len(fakes))
    ratios, closest = by_view[rows, views], indices[rows, views]
    calibration = calibrate_distances(control_ratios, ratios, closest, quantile=quantile)
    below = np.searchsorted(np.sort(control_ratios), ratios, side="right")
    p_values = (1 + below) / (1 + len(control_ratios))
    order = np.lexsort((rows, ratios))
    return Copies(calibration, ratios, p_values, views, closest, distances, order, scales, control_ratios)
