"""Did it collapse?  Whether samples leave classes out, are alike, or repeat each other, each against real data.

`RULE` says when it did; how often that is wrong about healthy systems is measured by `benchmarks/dynamics/healthy.py`.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from genbench.scoring import metrics, novelty
from genbench.scoring.arrays import Array, Floats, Integers
from genbench.scoring.estimates import Estimate
from genbench.scoring.metrics.bins import different_bins
from genbench.scoring.resampling import FOLDS

HELD = 0.1  # of a class's share of the data, for the class to count as held
EXPECTED = 20  # samples of a class that its share of the data would give; of rarer ones nothing is said
FEW = 0.5  # of the classes
ALIKE = 0.5  # of the way from the similarity of real data to that of equal images
DIVERSE = 0.5  # of the Vendi score of real data
NEAR = 0.01  # quantile of the distances of real elements to their nearest others: as near is a duplicate
PAIRS = 1000  # of images
BALLS = 3  # nearest neighbours in recall
PER_BIN = 20  # real elements

Verdict = Literal["collapsed", "drops classes", "diverse"]

RULE = (
    f"Collapsed: fewer than {100 * FEW:.0f} % of the classes are held (a class is held with {100 * HELD:.0f} % of its "
    f"share of the data), or the Vendi score is below {100 * DIVERSE:.0f} % of that of real data, or images of a class "
    f"are alike by MS-SSIM by more than {100 * ALIKE:.0f} % of the way from real images to equal ones, or the birthday "
    "test finds a support smaller than the number of samples, its interval included. Drops classes: else, if a class "
    "is not held. Diverse: else."
)


class Elements(NamedTuple):
    """features: (n, f).  labels: (n,) predicted classes.  images: (n, c, h, w) in [0, 1]."""

    features: Floats
    labels: Integers
    images: Floats


class Collapse(NamedTuple):
    """Scores of samples, and of as many real elements where the name says so.

    held: classes held, of `asked` that are not too rare.  kl: KL(samples ‖ data) of classes, nats.  recall: (k,) of
    each class, the share of held-out elements within the samples' balls of three neighbours.  support: of the birthday
    test, duplicates being as near as the nearest 1 % of real elements.  ndb: see `different_bins`; .05 at best.
    """

    verdict: Verdict
    held: int
    asked: int
    lost: list[int]
    kl: float
    recall: list[float | None]
    vendi: Estimate
    vendi_real: Estimate
    alike: Estimate | None
    alike_real: Estimate | None
    support: Estimate
    support_real: Estimate
    ndb: float
    missing: float
    bins: int

    def as_dict(self) -> dict[str, Any]:
        return {
            name: value.as_dict() if isinstance(value, Estimate) else value
            for name, value in self._asdict().items()
        }


def collapse(train: Array, real: Elements, fake: Elements, *, classes: int, seed: int) -> Collapse:
    """Samples against as many held-out elements; train (l, f): features of training elements, for the bins of NDB."""
    data = metrics.class_histogram(real.labels, classes)
    found = lost_classes(fake.labels, data)
    near = float(np.quantile(metrics.nearest_others(_flat(real))[0], NEAR))
    vendi, vendi_real = (metrics.vendi_score(_directed(x.features), seed=seed) for x in (fake, real))
    alike, alike_real = (_alike(fake, seed), _alike(real, 0))
    support, support_real = (novelty.birthday_support(_flat(x), threshold=near).support for x in (fake, real))
    bins = different_bins(
        train,
        real.features,
        fake.features,
        bins=max(2, min(100, len(real.labels) // PER_BIN, len(train) // 2)),
        seed=seed,
    )
    weights = {label: share for label, share in enumerate(data) if share > 0}
    verdict = verdict_of(
        found, vendi.value / vendi_real.value, _way(alike, alike_real), support.high / len(fake.labels)
    )
    return Collapse(
        verdict,
        found.asked - len(found.lost),
        found.asked,
        found.lost,
        _divergence(fake.labels, weights, seed),
        recall_by_class(real, fake, classes),
        vendi,
        vendi_real,
        alike,
        alike_real,
        support,
        support_real,
        *bins,
    )


def modes_record(modes: Integers, good: np.ndarray, data: Floats) -> dict[str, Any]:
    """The verdict by modes alone: modes (n,) of samples, good (n,) whether they count, data (k,) the true shares.

    What `Collapse` has besides is asked of images alone.
    """
    labels = np.where(good, modes, len(data))  # a class of their own, which the data do not have
    found = lost_classes(labels, np.append(data, 0.0))
    return {
        "verdict": verdict_of(found, math.inf, 0.0, math.inf),
        "held": found.asked - len(found.lost),
        "asked": found.asked,
        "lost": found.lost,
    }


class Lost(NamedTuple):
    """lost: the classes that are not held, of `asked` that enough samples were expected of."""

    lost: list[int]
    asked: int


def lost_classes(labels: Array, data: Floats) -> Lost:
    """Of labels (n,), with the shares of the data (k,)."""
    counts = np.bincount(np.asarray(labels, np.int64), minlength=len(data))
    expected = len(labels) * data
    asked = expected >= EXPECTED
    lost = asked & (counts < np.maximum(1, HELD * expected))
    return Lost(np.flatnonzero(lost).tolist(), int(asked.sum()))


def verdict_of(found: Lost, diverse: float, alike: float, support: float) -> Verdict:
    """By `RULE`: Vendi over that of real data, the way to equal images, the support's upper end over N."""
    held = found.asked - len(found.lost)
    if held < FEW * found.asked or diverse < DIVERSE or alike > ALIKE or support < 1:
        return "collapsed"
    return "drops classes" if found.lost else "diverse"


def recall_by_class(real: Elements, fake: Elements, classes: int) -> list[float | None]:
    """(k,): of each class the share of held-out elements in balls of samples of the other fold; None without any."""
    within = np.zeros(len(real.labels), bool)
    for fold in range(FOLDS):
        own, others = fake.features[fold::FOLDS], slice(1 - fold, None, FOLDS)
        radii = metrics.nearest_others(own, k=BALLS)[0][:, -1]
        within[others] = metrics.ball_counts(own, radii, real.features[others], closed=True) > 0
    return [
        float(within[real.labels == label].mean()) if (real.labels == label).any() else None
        for label in range(classes)
    ]


def _divergence(labels: Integers, weights: Mapping[int, float], seed: int) -> float:
    """Over the classes that the data have; a sample of another is left out."""
    places = {label: i for i, label in enumerate(weights)}
    known = np.array([places[int(label)] for label in labels if int(label) in places], np.int64)
    if not len(known):
        return math.inf
    shares = np.array(list(weights.values()))
    return metrics.mode_coverage_labels(
        known, len(places), weights=shares / shares.sum(), bootstrap=2, seed=seed
    ).kl.value


def _alike(x: Elements, seed: int) -> Estimate | None:
    """None where no class has two."""
    if np.bincount(x.labels).max() < 2:
        return None
    return metrics.ms_ssim_diversity(x.images, x.labels, pairs=PAIRS, seed=seed)


def _way(alike: Estimate | None, real: Estimate | None) -> float:
    """How far the similarity is on the way from that of real images to 1."""
    if alike is None or real is None or real.value >= 1:
        return 0.0
    return (alike.value - real.value) / (1 - real.value)


def _directed(features: Floats) -> Floats:
    """Rows of zeros, which have no direction, as rows of ones."""
    found: Floats = np.where(features.any(1, keepdims=True), features, 1.0)
    return found


def _flat(x: Elements) -> Floats:
    return x.images.reshape(len(x.images), -1)
