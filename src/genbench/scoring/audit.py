"""Novelty of one run: are the samples new, or copies of training data?

Distances are Euclidean between the vectors that the kind of data gives.  Folds as in `genbench.scoring.resampling`:
sample i is calibrated on held-out data of the other fold.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from genbench.data.prepared import Prepared
from genbench.scoring import novelty as scores
from genbench.scoring.estimates import clopper_pearson
from genbench.scoring.metrics.arrays import Rows
from genbench.scoring.resampling import FOLDS

QUANTILE = 0.01
HELD = 1 << 29  # bytes of vectors that are made at once

Vectors = Callable[[np.ndarray], np.ndarray | None]


class Calibrated(NamedTuple):
    """The rule of `calibrate_distances` over both folds.

    flags: (m,) which samples count as copies.  threshold: the larger of the folds' two.  false_positive_rate: of
    held-out data.  closer: how many samples are closer to training than to held-out data, ties counted half.
    """

    flags: np.ndarray
    threshold: float
    false_positive_rate: float
    closer: float


def novelty(
    data: Prepared, samples: np.ndarray, *, vectors: Vectors, distance: str, seed: int
) -> dict[str, Any]:
    """Scores with intervals, the threshold, and every pair in order of distance, closest first.

    vectors: stored elements (n, *shape) -> (n, k); None where the kind of data has no distance, because new data repeat
    the training data in any case, and then there are no scores.  distance: what it is, in words.
    """
    if vectors(samples[:1]) is None:
        return {"n": len(samples), "distance": distance, "scores": {}, "pairs": []}
    train, held_out, fake = (_rows(x, vectors) for x in (data.train.x, data.held_out.x, samples))
    two, places = scores.nearest(train, fake, k=2)
    distances, indices = two[:, 0], places[:, 0]
    found = _calibrated(train, held_out, fake, distances, seed)
    return {
        "n": len(fake),
        "quantile": QUANTILE,
        "threshold": found.threshold,
        "false_positive_rate": found.false_positive_rate,
        "distance": distance,
        "scores": {
            "copy_rate": clopper_pearson(int(found.flags.sum()), len(fake)).as_dict(),
            "closer_to_train": clopper_pearson(found.closer, len(fake)).as_dict(),
            "neighbour_ratio": scores.neighbour_ratio_distances(two).as_dict(),
            "authenticity": scores.authenticity_distances(train, distances, indices).as_dict(),
        },
        "pairs": _pairs(distances, indices, found.flags),
    }


def _calibrated(
    train: np.ndarray | Rows,
    held_out: np.ndarray | Rows,
    fake: np.ndarray | Rows,
    distances: np.ndarray,
    seed: int,
) -> Calibrated:
    held_out_distances = scores.nearest(train, held_out)[0][:, 0]
    flags = np.zeros(len(fake), bool)
    closer, thresholds, chance = 0.0, [], []
    for fold in range(FOLDS):
        mine, others = slice(fold, None, FOLDS), slice(1 - fold, None, FOLDS)
        own, other = fake[mine], held_out[others]
        found = scores.calibrate_distances(held_out_distances[others], distances[mine], quantile=QUANTILE)
        flags[mine] = found.flags
        thresholds.append(found.threshold)
        chance.append(found.false_positive_rate)
        closer += scores.closer_to_train(train, other, own, seed=seed).value * len(own)
    return Calibrated(flags, max(thresholds), sum(chance) / FOLDS, closer)


def _pairs(distances: np.ndarray, indices: np.ndarray, flags: np.ndarray) -> list[dict[str, Any]]:
    order = np.lexsort((np.arange(len(distances)), distances))
    return [
        {
            "sample": int(i),
            "train": int(indices[i]),
            "distance": float(distances[i]),
            "flagged": bool(flags[i]),
        }
        for i in order
    ]


def _rows(stored: np.ndarray, vectors: Vectors) -> np.ndarray | Rows:
    """What distances are measured between, at once or, where that would be too long, as it is needed."""
    rows = Rows(stored, vectors)  # type: ignore[arg-type]
    return rows if 8 * len(rows) * rows.shape[1] > HELD else np.asarray(rows)
