"""Overfitting seen through likelihoods: feature likelihood divergence of samples."""

import math
from typing import NamedTuple

import numpy as np

from genbench.scoring.arrays import Array, Floats, floats, log_sum_exp, same_width
from genbench.scoring.estimates import Estimate, difference_interval, mean_interval


class FeatureLikelihood(NamedTuple):
    """fld: 100·NLL(held-out)/d, lower is better.  gap: 100·(NLL(train) − NLL(held-out))/d, < 0 overfit."""

    fld: Estimate
    gap: Estimate


def fld(
    train: Array,
    held_out: Array,
    samples: Array,
    *,
    least_variance: float = 1e-3,
    steps: int = 100,
    at_most: int = 5000,
    seed: int = 0,
) -> FeatureLikelihood:
    """Feature likelihood divergence and its train/held-out gap (Jiralerspong et al., 2023), arXiv:2302.04440.

    Features are standardised by the held-out set.  The density is a mixture of isotropic Gaussians of equal
    weight centred on the samples, each with its own variance, fitted to the training set by `steps` of
    expectation–maximisation: a sample that copies a training row becomes a spike there, which helps train and
    not held-out.  train (n, d), held_out (h, d), samples (m, d) → nats per dimension · 100.

    Differences to the authors' code: EM in place of Adam, variances at least `least_variance` (copies would
    have an infinite likelihood), no constant subtracted, so only differences of fld mean something.  The gap
    of new data is below 0 as well, since the variances saw train: judge it by the control rows.  Each set is
    cut to `at_most` rows by a seeded draw.  Normal intervals over train and held-out rows with the mixture and
    the standardisation held fixed: that of fld is up to 1.7 times too wide, as a standardised set varies less.
    Raises ValueError for bad input.
    """
    points, control, fakes = (
        floats(rows, name, rows=2)
        for rows, name in ((train, "train"), (held_out, "held_out"), (samples, "samples"))
    )
    same_width(("train", points), ("held_out", control), ("samples", fakes))
    rng = np.random.default_rng(seed)
    points, control, fakes = (
        x[np.sort(rng.choice(len(x), at_most, replace=False))] if len(x) > at_most else x
        for x in (points, control, fakes)
    )
    centre, scale = control.mean(axis=0), control.std(axis=0)
    varies = scale > 0
    if not varies.any():
        raise ValueError("held_out: all rows equal, expected some variance")
    points, control, fakes = (
        (x[:, varies] - centre[varies]) / scale[varies] for x in (points, control, fakes)
    )
    d = points.shape[1]
    squares = _squares(points, fakes)
    variance = np.full(len(fakes), max(float(squares.min(axis=1).mean()) / d, least_variance))
    for _ in range(steps):
        joint = _log_joint(squares, variance, d)
        share = np.exp(joint - log_sum_exp(joint)[:, None])  # (n, m) responsibilities
        weight = share.sum(axis=0)
        fitted = (share * squares).sum(axis=0) / (d * np.maximum(weight, 1e-12))
        variance = np.where(weight > 1e-12, np.maximum(fitted, least_variance), variance)
    on_train = -100 / d * log_sum_exp(_log_joint(squares, variance, d))
    on_control = -100 / d * log_sum_exp(_log_joint(_squares(control, fakes), variance, d))
    return FeatureLikelihood(
        mean_interval(on_control)._replace(n=len(fakes)),
        difference_interval(on_train, on_control, len(fakes)),
    )


def _squares(x: Floats, centres: Floats) -> Floats:
    squares: Floats = (x * x).sum(axis=1)[:, None] + (centres * centres).sum(axis=1) - 2 * x @ centres.T
    return np.maximum(squares, 0.0)


def _log_joint(squares: Floats, variance: Floats, d: int) -> Floats:
    """log of each component's weighted density at each row: (n, m)"""
    joint: Floats = (
        -squares / (2 * variance) - d / 2 * np.log(2 * math.pi * variance) - math.log(len(variance))
    )
    return joint
