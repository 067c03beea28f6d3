"""Scores of images from any generator: three sets of images and an extractor in, one plain record out.

Fidelity is measured on the extractor's features, against the held-out set.  Novelty is measured on pixels, where a
copy is a copy, but for the scores that are defined on features.  Beside each score stands what real data get: for
fidelity as many training images in place of the samples; for novelty one half of the held-out set in place of the
samples, compared with the other half.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from genbench.data.pixels import reduced
from genbench.extractors.build import Extractor, Outputs
from genbench.foreign.images import ImageSet
from genbench.scoring import audit, metrics, novelty
from genbench.scoring.arrays import Floats, Integers
from genbench.scoring.catalogue import SCORES
from genbench.scoring.estimates import Estimate
from genbench.scoring.held_out import smaller
from genbench.storage.arrays import take_rows
from genbench.storage.files import InputError

CELL_SIDE = 32  # C_T looks at principal components, which need no more
LISTED, MOST_LISTED = 100, 100_000  # pairs: so many in any case, and so many of those that are flagged
FEATURES = 50_000  # images of a set whose features are looked at
PAIRED = 10_000  # of these for scores that take time with the square: those of kernels and of balls
WIDE = 512  # with more features and more images than this, the first-order interval takes the place of the bootstrap


class Sets(NamedTuple):
    """Training, held-out and generated data: images (n, c, h, w), or their features (n, d)."""

    train: np.ndarray
    held_out: np.ndarray
    generated: np.ndarray


class Scores(dict[str, Estimate]):
    """Scores by their names in the catalogue, and why those that are missing are missing."""

    def __init__(self) -> None:
        super().__init__()
        self.missing: dict[str, str] = {}

    def add(self, name: str, score: Callable[[], Estimate]) -> None:
        """Compute and keep one score; a set too small for it is a reason, not a failure."""
        try:
            self[name] = score()
        except ValueError as error:
            self.missing[name] = str(error)


def score(
    samples: ImageSet,
    train: ImageSet,
    held_out: ImageSet,
    extractor: Extractor,
    *,
    seed: int,
    shift: int = 1,
    resized_to: int | None = None,
) -> dict[str, Any]:
    """Everything `genbench score` writes: scores with intervals, what they were computed with, the closest pairs.

    Raises:
        InputError: a shift as large as the images.
    """
    small = Sets(*(smaller(part.images) for part in (train, held_out, samples)))
    least = min(small.generated.shape[2:])
    if shift >= least:
        raise InputError(f"shift: got {shift}; expected less than {least}, the smaller side of the images")
    chosen = Sets(*(_chosen(part.images, FEATURES, seed) for part in (train, held_out, samples)))
    outputs, real_features = extractor.outputs(chosen.generated), extractor.features(chosen.held_out)
    features = Sets(extractor.features(chosen.train), real_features, outputs.features)
    copies = audit.copies_of(*small, shift=shift, seed=seed)
    false_alarms = false_alarm_rate(copies.held_out_ratios)
    quality = fidelity(features.held_out, outputs, seed=seed)
    real_quality = fidelity(features.held_out, _real_outputs(features, seed), seed=seed)
    newness = novelties(small, features, copies.calibration.rate, seed=seed)
    real_newness = novelties(_halves(small), _halves(features), false_alarms, seed=seed)
    return {
        "samples": _about(samples),
        "train": _about(train),
        "held_out": _about(held_out),
        "image": {"shape": list(samples.images.shape[1:]), "resized_to": resized_to},
        "extractor": _about_extractor(extractor, features.train.shape[1]),
        "features_of": {name: len(rows) for name, rows in features._asdict().items()},
        "paired_of": {name: min(len(rows), PAIRED) for name, rows in features._asdict().items()},
        "seed": seed,
        "reference": "held_out",
        "exact_copies": {
            "samples_in_train": _shared(samples, train),
            "samples_in_held_out": _shared(samples, held_out),
            "held_out_in_train": _shared(held_out, train),
        },
        "fidelity": _beside_real(quality, real_quality, extractor.name),
        "novelty": _beside_real(newness, real_newness, extractor.name),
        "not_computed": {**quality.missing, **newness.missing},
        "copies": {
            **_about_copies(copies, false_alarms),
            "shift": shift,
            "compared_at": list(small.generated.shape[1:]),
            "pairs": closest_pairs(copies, samples, train),
        },
    }


def fidelity(real: np.ndarray, fake: Outputs, *, seed: int) -> Scores:
    """Scores on features (n, d), against the held-out ones; those of `metrics` with their definitions there."""
    found, x = Scores(), fake.features
    some_real, some = _chosen(real, PAIRED, seed), _chosen(x, PAIRED, seed)
    wide = min(x.shape) > WIDE
    found.add("fid", lambda: metrics.frechet_distance(real, x, bootstrap=0 if wide else 100, seed=seed))
    found.add("kid", lambda: metrics.kernel_distance(some_real, some, seed=seed))
    balls = cache(lambda: metrics.manifold_estimates(some_real, some, seed=seed))
    found.add("precision", lambda: balls()[0].precision)
    found.add("recall", lambda: balls()[0].recall)
    found.add("density", lambda: balls()[1].density)
    found.add("coverage", lambda: balls()[1].coverage)
    found.add("vendi", lambda: metrics.vendi_score(x, bootstrap=10 if wide else 50, seed=seed))
    if fake.probabilities is not None:  # in random order: a folder may be sorted by class
        shuffled = np.random.default_rng(seed).permutation(fake.probabilities)
        found.add("classifier_score", lambda: metrics.inception_score(shuffled, seed=seed))
    return found


def novelties(images: Sets, features: Sets, copy_rate: Estimate, *, seed: int) -> Scores:
    """Scores of copying, with the share that `find_copies` flags."""
    train, held_out, fake = (part.reshape(len(part), -1) for part in images)
    small = [part.reshape(len(part), -1) for part in (reduced(part, CELL_SIDE) for part in images)]
    replicates = 0 if min(features.generated.shape) > WIDE else 100
    found = Scores()
    found["copy_rate"] = copy_rate
    found.add("closer_to_train", lambda: novelty.closer_to_train(train, held_out, fake, seed=seed))
    closest = cache(lambda: novelty.nearest(train, fake, k=2))
    found.add("neighbour_ratio", lambda: novelty.neighbour_ratio_distances(closest()[0]))
    found.add("authenticity", lambda: _authenticity(train, *closest()))
    found.add("ct", lambda: novelty.ct_score(*small, seed=seed))
    likelihood = cache(lambda: novelty.fld(*features, seed=seed))
    found.add("fld", lambda: likelihood().fld)
    found.add("fld_gap", lambda: likelihood().gap)
    found.add(
        "mifid",
        lambda: novelty.mifid(features.train, features.generated, bootstrap=replicates, seed=seed),
    )
    found.add("birthday_support", lambda: novelty.birthday_support(fake).support)
    return found


def _authenticity(train: np.ndarray, distances: Floats, places: Integers) -> Estimate:
    return novelty.authenticity_distances(train, distances[:, 0], places[:, 0])


def false_alarm_rate(ratios: np.ndarray) -> Estimate:
    """The share of held-out images (h,) that is flagged, each half by the rule of the other."""
    one, other = ratios[::2], ratios[1::2]
    halves = [
        novelty.calibrate_distances(a, b, quantile=audit.QUANTILE) for a, b in ((one, other), (other, one))
    ]
    return metrics.clopper_pearson(int(sum(half.flags.sum() for half in halves)), len(ratios))


def closest_pairs(copies: novelty.Copies, samples: ImageSet, train: ImageSet) -> list[dict[str, Any]]:
    """The closest pairs, closest first: all that are flagged up to MOST_LISTED, and others up to a hundred."""
    count = max(min(LISTED, len(copies.order)), min(MOST_LISTED, int(copies.calibration.flags.sum())))
    return [
        {
            "sample": samples.names[i],
            "train": train.names[copies.indices[i]],
            "view": novelty.VIEWS[copies.views[i]],
            "distance": float(copies.distances[i, copies.views[i]]),
            "ratio": float(copies.ratios[i]),
            "p_value": float(copies.p_values[i]),
            "flagged": bool(copies.calibration.flags[i]),
            "places": [int(i), int(copies.indices[i])],
        }
        for i in copies.order[:count]
    ]


def _real_outputs(features: Sets, seed: int) -> Outputs:
    """As many training images in place of the samples, by chance."""
    chosen = np.random.default_rng(seed).permutation(len(features.train))[: len(features.generated)]
    return Outputs(features.train[np.sort(chosen)])


def _chosen(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """So many rows at most, by chance, in their order."""
    if len(rows) <= most:
        return rows
    places = np.random.default_rng(seed).choice(len(rows), most, replace=False)
    return take_rows(rows, np.sort(places))


def _halves(sets: Sets) -> Sets:
    """One half of the held-out set in place of the samples, the other half held out."""
    return Sets(sets.train, sets.held_out[::2], sets.held_out[1::2])


def _beside_real(scores: Scores, real: Scores, extractor: str) -> dict[str, Any]:
    return {
        name: {
            "label": SCORES[name].label_on(extractor),
            **estimate.as_dict(),
            "real": real[name].as_dict() if name in real else None,
        }
        for name, estimate in scores.items()
    }


def _about(images: ImageSet) -> dict[str, Any]:
    return {
        "source": images.source,
        "n": len(images.images),
        "sha256": images.sha256,
        "unreadable": dict(images.unreadable),
        "passed_over": dict(images.passed_over),
        "taken_for": images.taken_for,
    }


def _about_extractor(extractor: Extractor, features: int) -> dict[str, Any]:
    return {
        "name": extractor.name,
        "sha256": extractor.sha256,
        "features": features,
        "comparable_with_published": extractor.published,
        "fitted_to_training_images": extractor.fitted,
    }


def _about_copies(copies: novelty.Copies, false_alarms: Estimate) -> dict[str, Any]:
    """chance: that as many new images are flagged.  The verdict is by the report's rule, for one system."""
    rule = copies.calibration
    chance = novelty.chance_of(int(rule.flags.sum()), [rule.fold])
    verdict = novelty.verdict(rule.rate, chance, level=novelty.LEVEL)
    return {
        "quantile": audit.QUANTILE,
        "threshold": rule.threshold,
        "flagged": int(rule.flags.sum()),
        "chance": chance,
        "verdict": verdict,
        "expected_by_chance_at_most": audit.QUANTILE * len(copies.ratios),
        "measured_on_held_out": false_alarms.as_dict(),
        "distance": "pixels, shift: root mean square, 0 to 255; contrast: between unit vectors",
        "scales": dict(zip(novelty.VIEWS, copies.scales.tolist(), strict=True)),
    }


def _shared(some: ImageSet, others: ImageSet) -> int:
    """How many images of one set are in the other, pixel by pixel."""
    known = {image.tobytes() for image in others.images}
    return sum(image.tobytes() in known for image in some.images)
