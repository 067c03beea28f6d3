"""Features of samples against features of held-out data: vectors, class probabilities and labels in, scores out."""

from typing import NamedTuple

import numpy as np

from genbench.scoring import metrics
from genbench.scoring.estimates import bootstrap_interval
from genbench.scoring.metrics.arrays import Floats
from genbench.scoring.resampling import RESAMPLINGS, Draws, Scored, crossed_scores, mean_over, share_of


class Features(NamedTuple):
    """What the metrics are computed on: features (n, f), class probabilities (n, classes), labels (n,)."""

    features: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray

    def rows(self, chosen: slice) -> "Features":
        return Features(*(part[chosen] for part in self))


def sample_scores(
    real: Features, fake: Features, drawn: Draws, *, classes: int, seed: int
) -> dict[str, Scored]:
    """Every score that compares generated features with held-out ones; see docs/evaluation.md for each."""

    def of_fold(held_out: slice, samples: slice, drawn: Draws) -> dict[str, Scored]:
        return _fold_scores(real.rows(held_out), fake.rows(samples), drawn, classes=classes)

    score = Scored(
        metrics.inception_score(fake.probabilities, bootstrap=RESAMPLINGS, seed=seed),
        metrics.inception_score_replicates(fake.probabilities, bootstrap=RESAMPLINGS, seed=seed),
    )
    return crossed_scores(of_fold, drawn) | {"classifier_score": score}


def manifold_scores(real: np.ndarray, fake: np.ndarray, drawn: Draws) -> dict[str, Scored]:
    """Precision, recall, density and coverage of vectors (m, k) against held-out ones (n, k); see metrics.manifold."""
    near, balls = metrics.precision_recall_members(real, fake), metrics.density_coverage_members(real, fake)
    return {
        "precision": share_of(near.fakes, drawn.fake),
        "recall": share_of(near.reals, drawn.real),
        "density": mean_over(balls.fakes, drawn.fake, least=0.0),
        "coverage": share_of(balls.reals, drawn.real),
        **_clipped(metrics.clipped_members(real, fake), drawn),
    }


def _clipped(members: metrics.ClippedMembers, drawn: Draws) -> dict[str, Scored]:
    """Clipped density and clipped coverage; the calibration of the latter goes over its replicates too."""
    density, covered = mean_over(members.fakes, drawn.fake), mean_over(members.reals, drawn.real)
    coverage = metrics.calibrated(covered.replicates, members.good)
    value = float(metrics.calibrated(np.array([covered.estimate.value]), members.good)[0])
    return {
        "clipped_density": Scored(
            bootstrap_interval(
                min(1.0, density.estimate.value), density.replicates, len(members.fakes), least=0.0, most=1.0
            ),
            np.minimum(density.replicates, 1.0),
        ),
        "clipped_coverage": Scored(
            bootstrap_interval(value, coverage, len(members.reals), least=0.0, most=1.0), coverage
        ),
    }


def _fold_scores(real: Features, fake: Features, drawn: Draws, *, classes: int) -> dict[str, Scored]:
    n, m = len(real.labels), len(fake.labels)
    x, y = real.features, fake.features
    fid = metrics.frechet_replicates(x, y, *drawn)
    class_tv = _class_distances(real.labels, fake.labels, drawn, classes)
    value = _class_distances(real.labels, fake.labels, Draws(np.ones((1, n)), np.ones((1, m))), classes)[0]
    return {
        "fid": Scored(bootstrap_interval(metrics.frechet_value(x, y), fid, m, least=0.0), fid),
        "kid": Scored(metrics.kernel_distance(x, y), metrics.kernel_replicates(x, y, *drawn)),
        **manifold_scores(x, y, drawn),
        "class_tv": Scored(bootstrap_interval(value, class_tv, m, least=0.0, most=1.0), class_tv),
    }


def _class_distances(real: np.ndarray, fake: np.ndarray, drawn: Draws, classes: int) -> Floats:
    """Total variation ½ Σ|p − q| between the class histograms of resampled labels (n,) and (m,): (b,) in [0, 1]."""
    one_hot = np.eye(classes)
    p, q = drawn.real @ one_hot[real] / len(real), drawn.fake @ one_hot[fake] / len(fake)
    distance: Floats = np.abs(p - q).sum(axis=1) / 2
    return distance
