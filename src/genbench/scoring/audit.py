"""Novelty of one run: are the samples new, or copies of training data?

Distances are Euclidean between the vectors that the kind of data gives.  Folds as in `genbench.scoring.resampling`:
sample i is calibrated on held-out data of the other fold.

Of images, which samples count as copies is decided by `copies_of`, here and in `genbench score`, so that both flag the
same pictures.  It needs no folds: the threshold is one of the h held-out distances, of which fewer than a share
QUANTILE lie below it, so that the control `real` gets that share at most.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from genbench.data.prepared import Prepared
from genbench.scoring import novelty as scores
from genbench.scoring.arrays import Nearest, Rows
from genbench.scoring.estimates import clopper_pearson
from genbench.scoring.held_out import SHIFT, Vectors, held_out_distances, rows_of, smaller
from genbench.scoring.resampling import FOLDS
from genbench.scoring.views import VIEWS, ToTrain

QUANTILE = 0.01


class Found(NamedTuple):
    """What counts as a copy.

    flags: (m,) which samples do.  threshold: of the distance below.  false_positive_rate: of held-out data.
    distances, indices: (m,) what is compared with the threshold, and the training element it is measured to.  folds:
    each threshold with the number of samples held against it.  views: (m,) the view that each distance is from, in
    words; empty where there is one alone.
    """

    flags: np.ndarray
    threshold: float
    false_positive_rate: float
    distances: np.ndarray
    indices: np.ndarray
    folds: tuple[scores.Fold, ...]
    views: tuple[str, ...] = ()


def novelty(
    data: Prepared,
    samples: np.ndarray,
    *,
    vectors: Vectors,
    distance: str,
    seed: int,
    images: Vectors | None = None,
    known: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Any]:
    """Scores with intervals, the threshold, and every pair in order of distance, closest first.

    vectors: stored elements (n, *shape) -> (n, k); None where the kind of data has no distance, because new data repeat
    the training data in any case, and then there are no scores.  distance: what it is, in words.  images: stored
    elements -> uint8 (n, c, h, w), of data that are images, whose copies are looked for in three views; or None.
    known: what `held_out_distances` gives for this dataset and seed; without it, it is computed.
    """
    if vectors(samples[:1]) is None:
        return {"n": len(samples), "distance": distance, "scores": {}, "pairs": []}
    if known is None:
        known = held_out_distances(data, vectors=vectors, images=images, seed=seed)
    sets: list[np.ndarray] = [data.train.x, data.held_out.x, samples]
    shown = [None if images is None else images(x) for x in sets]
    of_images = not any(x is None for x in shown)
    if of_images:  # all scores are of the same pixels, and the nearest by them are looked for once
        sets, vectors = [smaller(np.asarray(x)) for x in shown], _pixels
    train, held_out, fake = (
        known[name] if name in known else rows_of(x, vectors)
        for name, x in zip(("train", "held_out", "samples"), sets, strict=True)
    )
    two, places = scores.nearest(train, fake, k=2)
    distances, indices = two[:, 0], places[:, 0]
    if of_images:
        measured = ToTrain(known["scales"], known["distances"])
        found = _in_views(*sets, seed=seed, known=measured, nearest=(distances, indices))
    else:
        found = _by_distance(known["distances"], distances, indices)
    return {
        "n": len(fake),
        "quantile": QUANTILE,
        "threshold": found.threshold,
        "false_positive_rate": found.false_positive_rate,
        "flagged": int(found.flags.sum()),
        "chance": scores.chance_of(int(found.flags.sum()), found.folds),
        "folds": [fold._asdict() for fold in found.folds],
        "distance": distance,
        "scores": {
            "copy_rate": clopper_pearson(int(found.flags.sum()), len(fake)).as_dict(),
            "closer_to_train": clopper_pearson(_closer(train, held_out, fake, seed), len(fake)).as_dict(),
            "neighbour_ratio": scores.neighbour_ratio_distances(two).as_dict(),
            "authenticity": scores.authenticity_distances(train, distances, indices).as_dict(),
        },
        "pairs": _pairs(found),
    }


def copies_of(
    train: np.ndarray,
    held_out: np.ndarray,
    samples: np.ndarray,
    *,
    shift: int = SHIFT,
    seed: int,
    known: ToTrain | None = None,
    nearest: Nearest | None = None,
) -> scores.Copies:
    """The one rule for copies of images, uint8 (n, c, h, w) of the range 0 … 255; see `find_copies`.

    nearest: between images as `smaller` gives them.

    Raises:
        ValueError: as `find_copies` does.
    """
    small = (smaller(x) for x in (train, held_out, samples))
    return scores.find_copies(
        *small, pixels=shift, quantile=QUANTILE, seed=seed, known=known, nearest=nearest
    )


def _pixels(images: np.ndarray) -> np.ndarray:
    """(n, c, h, w) -> (n, c·h·w)."""
    return images.reshape(len(images), -1)


def _in_views(
    train: np.ndarray,
    held_out: np.ndarray,
    samples: np.ndarray,
    *,
    seed: int,
    known: ToTrain,
    nearest: Nearest,
) -> Found:
    found = copies_of(train, held_out, samples, seed=seed, known=known, nearest=nearest)
    rule = found.calibration
    views = tuple(VIEWS[view] for view in found.views)
    folds = (rule.fold,)
    return Found(
        rule.flags, rule.threshold, rule.false_positive_rate, found.ratios, found.indices, folds, views
    )


def _by_distance(held_out: np.ndarray, distances: np.ndarray, indices: np.ndarray) -> Found:
    """Fold by fold; the threshold is the larger of the two.  held_out: (h,) distances."""
    flags = np.zeros(len(distances), bool)
    thresholds, chance, folds = [], [], []
    for fold in range(FOLDS):
        mine, others = slice(fold, None, FOLDS), slice(1 - fold, None, FOLDS)
        found = scores.calibrate_distances(held_out[others], distances[mine], quantile=QUANTILE)
        flags[mine] = found.flags
        thresholds.append(found.threshold)
        chance.append(found.false_positive_rate)
        folds.append(found.fold)
    return Found(flags, max(thresholds), sum(chance) / FOLDS, distances, indices, tuple(folds))


def _closer(
    train: np.ndarray | Rows, held_out: np.ndarray | Rows, fake: np.ndarray | Rows, seed: int
) -> float:
    """How many samples are closer to training data than to held-out data of the other fold, ties counted half."""
    closer = 0.0
    for fold in range(FOLDS):
        own, other = fake[fold::FOLDS], held_out[1 - fold :: FOLDS]
        closer += scores.closer_to_train(train, other, own, seed=seed).value * len(own)
    return closer


def _pairs(found: Found) -> list[dict[str, Any]]:
    order = np.lexsort((np.arange(len(found.distances)), found.distances))
    return [
        {
            "sample": int(i),
            "train": int(found.indices[i]),
            "distance": float(found.distances[i]),
            **({"view": found.views[i]} if found.views else {}),
            "flagged": bool(found.flags[i]),
        }
        for i in order
    ]
