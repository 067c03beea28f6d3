"""Novelty of one run: are the samples new, or copies of training data?

Distances are those of the kind of data.  Folds as in `genbench.folds`: sample i is calibrated on held-out data of the
other fold.
"""

from functools import partial
from typing import Any

import numpy as np

from genbench.data.prepared import Prepared
from genbench.kinds.kind import Card, kind_of
from genbench.scoring import novelty as scores
from genbench.scoring.folds import FOLDS
from genbench.scoring.metrics import clopper_pearson
from genbench.scoring.metrics.arrays import Rows

QUANTILE = 0.01
HELD = 1 << 29  # bytes of vectors that are made at once


def novelty(data: Prepared, samples: np.ndarray, *, seed: int) -> dict[str, Any]:
    """Scores with intervals, the threshold, and every pair in order of distance, closest first.

    Nothing of these where the kind of data has no distance, because new data repeat the training data in any case.
    """
    kind = kind_of(data.card)
    if kind.vectors(samples[:1], data.card) is None:
        return {"n": len(samples), "distance": kind.DISTANCE, "scores": {}, "pairs": []}
    train, held_out, fake = (_vectors(x, data.card) for x in (data.train.x, data.held_out.x, samples))
    pairs, places = scores.nearest(train, fake, k=2)
    distances, indices = pairs[:, 0], places[:, 0]
    held_out_distances = scores.nearest(train, held_out)[0][:, 0]
    flagged = np.zeros(len(fake), bool)
    closer, thresholds, chance = 0.0, [], []
    for fold in range(FOLDS):
        mine, others = slice(fold, None, FOLDS), slice(1 - fold, None, FOLDS)
        own, other = fake[mine], held_out[others]
        found = scores.calibrate_distances(held_out_distances[others], distances[mine], quantile=QUANTILE)
        flagged[mine] = found.flags
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
            "neighbour_ratio": scores.neighbour_ratio_distances(pairs).as_dict(),
            "authenticity": scores.authenticity_distances(train, distances, indices).as_dict(),
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


def _vectors(stored: np.ndarray, card: Card) -> "np.ndarray | Rows":
    """What distances are measured between, at once or, where that would be too long, as it is needed."""
    rows = Rows(stored, partial(kind_of(card).vectors, card=card))  # type: ignore[arg-type]
    return rows if 8 * len(rows) * rows.shape[1] > HELD else np.asarray(rows)
