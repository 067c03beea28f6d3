"""How good are samples as training data, and what would their distance be without the bias of their number?"""

import numpy as np

from genbench.data.prepared import Prepared
from genbench.extractors.classifier import Trained
from genbench.kinds.image.answers import Answers
from genbench.scoring import metrics
from genbench.scoring.estimates import Measurement
from genbench.scoring.features import Features
from genbench.scoring.resampling import crossed


def answers(
    data: Prepared,
    real: Features,
    fake: Features,
    extract: Trained,
    asked: np.ndarray | None,
    *,
    seed: int,
) -> Answers:
    """FD∞; and of samples that were asked for labels (m,), their worth as training data.  real: held-out images."""
    endless = crossed(
        lambda x, y: metrics.frechet_distance_infinity(x, y, seed=seed), real.features, fake.features
    )
    found = {
        "FID∞ (classifier)": Measurement(
            endless,
            "FID (classifier) extrapolated to endless samples, as it falls with their number (Chong & Forsyth, 2020); "
            "the held-out images are as few as they are.",
            "down",
        )
    }
    if asked is not None and len(np.unique(asked)) > 1:
        own = extract(data.train.x[: len(asked)])
        ours, theirs = (
            metrics.classification_accuracy_score(
                features, labels, real.features, data.held_out.y, seed=seed % 2**32
            )
            for features, labels in ((fake.features, asked), (own.features, data.train.y[: len(asked)]))
        )
        found["classification accuracy score"] = Measurement(
            ours,
            "Accuracy on held-out images of logistic regression on the classifier's features, fitted to samples and "
            f"the labels they were asked for (Ravuri & Vinyals, 2019); {theirs.value:.3g} if fitted to as many "
            "training images.",
            "up",
        )
    return Answers(found)
