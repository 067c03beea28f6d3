"""Novelty of one run: are the samples new, or copies of training data?

Distances are those of the kind of data.  Folds as in `genbench.folds`: sample i is calibrated on held-out data of the
other fold.
"""

from typing import Any

import numpy as np

from genbench import novelty as scores
from genbench.data import Prepared
from genbench.folds import FOLDS
from genbench.kinds import kind_of
from genbench.metrics import clopper_pearson

QUANTILE = 0.01


def novelty(data: Prepared, samples: np.ndarray, *, seed: int) -> dict[str, Any]:
    """Scores with intervals, the threshold, and every pair in order of distance, closest first.

    Nothing of these where the kind of data has no distance, because new data repeat the training data in any case.
    """
    kind = kind_of(data.card)
    vectors = [kind.vectors(x, data.card) for x in (data.train_x, data.held_out_x, samples)]
    if any(found is None for found in vectors):
        return {"n": len(samples), "distance": kind.DISTANCE, "scores": {}, "pairs": []}
    train, held_out, fake = (found for found in vectors if found is not None)
    distances, indices = np.zeros(len(fake)), np.zeros(len(fake), int)
    flagged = np.zeros(len(fake), bool)
    closer, thresholds, chance = 0.0, [], []
    for fold in range(FOLDS):
        own, other = fake[fold::FOLDS], held_out[1 - fold :: FOLDS]
        found = scores.calibrate(train, other, own, quantile=QUANTILE)
        flagged[fold::FOLDS], distances[fold::FOLDS], indices[fold::FOLDS] = (
            found.flags,
            found.distances,
            found.indices,
        )
        thresholds.append(found.threshold)
        chance.append(found.false_positive_rate)
        closer += scores.closer_to_train(train, other, own, seed=seed).value * len(own)
    order = np.lexsort((np.arange(len(fake)), distances))
    return {
        "n": len(fake),
        "quantile": QUANTILE,
        "threshold": max(thresholds),
        "false_positive_rate": sum(chance) / FOLDS,
        "distance": kind.DISTANCE,
        "scores": {
            "copy_rate": clopper_pearson(int(flagged.sum()), len(fake)).as_dict(),
            "closer_to_train": clopper_pearson(closer, len(fake)).as_dict(),
            "neighbour_ratio": scores.neighbour_ratio(train, fake).as_dict(),
            "authenticity": scores.authenticity(train, fake).as_dict(),
        },
        "pairs": [
            {
                "sample": int(i),
                "train": int(indices[i]),
                "distance": float(distances[i]),
                "flagged": bool(flagged[i]),
            }
            for i in order
        ],
    }
