"""What the samples of images leave out, and how a training came to it: collapse, and scores over training."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from genbench.data.prepared import Prepared
from genbench.extractors.classifier import Trained
from genbench.kinds.image.reference import MOST
from genbench.scoring import metrics
from genbench.scoring.collapse import Elements, collapse
from genbench.scoring.dynamics import Moments, record_of
from genbench.scoring.features import Features


def collapse_of(
    data: Prepared, train: np.ndarray, real: Features, fake: Features, samples: np.ndarray, *, seed: int
) -> dict[str, Any]:
    """Samples (m, c, h, w) against as many held-out images, by the dataset's classifier and by pixels.

    train: (l, f), features of training images, the first MOST of them.
    """
    n = min(len(samples), len(data.held_out.x), MOST)
    sides = ((real, data.held_out.x), (fake, samples))
    whole, own = (
        Elements(seen.features[:n], seen.labels[:n], x[:n] / (data.levels - 1)) for seen, x in sides
    )
    return collapse(train, whole, own, classes=data.classes, seed=seed).as_dict()


def over_training(
    data: Prepared, extract: Trained, real: Features, followed: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Classes and Fréchet distances, in the classifier's features, of samples (m, n, c, h, w) along a training."""
    fakes = [extract(x) for x in followed["x"]]
    labels = np.stack([fake.labels for fake in fakes])
    seen = Moments(
        followed["step"],
        labels,
        np.ones(labels.shape, bool),
        metrics.class_histogram(real.labels, data.classes),
        np.array([metrics.frechet_value(real.features, fake.features) for fake in fakes]),
    )
    return record_of(seen)
