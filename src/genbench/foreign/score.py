"""Scores of images from any generator: three sets of images and an extractor in, one plain record out.

Fidelity is measured on the extractor's features, against the held-out set.  Novelty is measured on pixels, where a
copy is a copy, but for the scores that are defined on features.  Beside each score stands what real data get: for
fidelity as many training images in place of the samples; for novelty one half of the held-out set in place of the
samples, judged with the other half.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from genbench.data.pixels import reduced
from genbench.drawing import tiles as pictures
from genbench.extractors.build import Extractor, Outputs
from genbench.foreign.images import ImageSet
from genbench.scoring import metrics, novelty
from genbench.scoring.metrics import Estimate
from genbench.storage.files import InputError

QUANTILE = 0.01
SIDE = 64  # images are compared pixel by pixel at no more than this; a shift of 1 is one pixel of this
CELL_SIDE = 32  # C_T looks at principal components, which need no more
LISTED = 100
WIDE = 512  # with more features and more images than this, the first-order interval takes the place of the bootstrap

# label, what is better or expected
FIDELITY = {
    "fid": ("{fid} ({extractor})", "lower"),
    "kid": ("{kid} ({extractor})", "lower"),
    "precision": ("precision", "higher"),
    "recall": ("recall", "higher"),
    "density": ("density", "higher"),
    "coverage": ("coverage", "higher"),
    "vendi": ("Vendi score", "as real"),
    "inception_score": ("{inception_score}", "higher"),
}
NOVELTY = {
    "copy_rate": ("share flagged as copies", "0.01 or less"),
    "closer_to_train": ("closer to train than held-out", "about 0.5"),
    "neighbour_ratio": ("nearest/second < 1/3", "as real"),
    "authenticity": ("authentic", "about 0.5"),
    "ct": ("C_T", "above -3"),
    "fld": ("FLD", "as real"),
    "fld_gap": ("FLD gap train - held-out", "as real"),
    "mifid": ("MiFID to train", "as real"),
    "birthday_support": ("birthday support", "as real"),
}
PUBLISHED_WEIGHTS = ("inception", "dinov2-s", "dinov2-b", "dinov2-l")
PUBLISHED_NAMES = {"fid": "FID", "kid": "KID", "inception_score": "Inception score"}
OTHER_NAMES = {"fid": "Fréchet distance", "kid": "kernel distance", "inception_score": "classifier score"}


class Found(dict[str, Estimate]):
    """Scores by name, and why those that are missing are missing."""

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
    """Everything `genbench score` writes: scores with intervals, what they were computed with, the closest pairs."""
    points, control, mine = (reduced(part.images, SIDE) for part in (train, held_out, samples))
    if shift >= min(mine.shape[2:]):
        raise InputError(
            f"shift: got {shift}; expected less than {min(mine.shape[2:])}, the smaller side of the images"
        )
    fake, real = extractor.outputs(samples.images), extractor.features(held_out.images)
    seen = extractor.features(train.images)
    chosen = np.random.default_rng(seed).permutation(len(seen))[: len(fake.features)]
    scores = fidelity(real, fake, seed=seed)
    floor = fidelity(real, Outputs(seen[np.sort(chosen)]), seed=seed)
    copies = novelty.find_copies(points, control, mine, pixels=shift, quantile=QUANTILE, seed=seed)
    flagged = copies.calibration.rate
    newness = novelties((points, control, mine), (seen, real, fake.features), flagged, seed=seed)
    one, other = slice(0, None, 2), slice(1, None, 2)
    chance = chance_rate(copies.held_out_ratios)
    usual = novelties(
        (points, control[one], control[other]), (seen, real[one], real[other]), chance, seed=seed
    )
    named = {name: said(name, extractor)[0] for name in (*FIDELITY, *NOVELTY)}
    pairs = listed(copies, samples, train)
    return {
        "samples": _about(samples),
        "train": _about(train),
        "held_out": _about(held_out),
        "image": {"shape": list(samples.images.shape[1:]), "resized_to": resized_to},
        "extractor": {
            "name": extractor.name,
            "sha256": extractor.sha256,
            "features": seen.shape[1],
            "comparable_with_published": extractor.published,
            "fitted_to_training_images": extractor.fitted,
        },
        "seed": seed,
        "reference": "held_out",
        "exact_copies": {
            "samples_in_train": _shared(samples, train),
            "samples_in_held_out": _shared(samples, held_out),
            "held_out_in_train": _shared(held_out, train),
        },
        "fidelity": {
            name: {
                "label": named[name],
                **value.as_dict(),
                "real": floor[name].as_dict() if name in floor else None,
            }
            for name, value in scores.items()
        },
        "novelty": {
            name: {
                "label": named[name],
                **value.as_dict(),
                "real": usual[name].as_dict() if name in usual else None,
            }
            for name, value in newness.items()
        },
        "not_computed": {**scores.missing, **newness.missing},
        "copies": {
            "quantile": QUANTILE,
            "threshold": copies.calibration.threshold,
            "flagged": int(copies.calibration.flags.sum()),
            "expected_by_chance_at_most": QUANTILE * len(mine),
            "measured_on_held_out": chance.as_dict(),
            "distance": "pixels, shift: root mean square, 0 to 255; contrast: between unit vectors",
            "scales": dict(zip(novelty.VIEWS, copies.scales.tolist(), strict=True)),
            "shift": shift,
            "compared_at": list(mine.shape[1:]),
            "pairs": pairs,
        },
    }


def fidelity(real: np.ndarray, fake: Outputs, *, seed: int) -> Found:
    """Scores on features (n, d), against the held-out ones; those of `metrics` with their definitions there."""
    found, x = Found(), fake.features
    wide = min(x.shape) > WIDE
    found.add("fid", lambda: metrics.frechet_distance(real, x, bootstrap=0 if wide else 100, seed=seed))
    found.add("kid", lambda: metrics.kernel_distance(real, x, seed=seed))
    found.add("precision", lambda: metrics.precision_recall(real, x).precision)
    found.add("recall", lambda: metrics.precision_recall(real, x).recall)
    found.add("density", lambda: metrics.density_coverage(real, x).density)
    found.add("coverage", lambda: metrics.density_coverage(real, x).coverage)
    found.add("vendi", lambda: metrics.vendi_score(x, bootstrap=10 if wide else 50, seed=seed))
    if fake.probabilities is not None:  # in random order: a folder may be sorted by class
        shuffled = np.random.default_rng(seed).permutation(fake.probabilities)
        found.add("inception_score", lambda: metrics.inception_score(shuffled, seed=seed))
    return found


def novelties(
    images: tuple[np.ndarray, np.ndarray, np.ndarray],
    features: tuple[np.ndarray, np.ndarray, np.ndarray],
    flagged: Estimate,
    *,
    seed: int,
) -> Found:
    """Scores of copying, with the share `flagged` by `find_copies`; triples are training, held-out, generated."""
    train, held_out, fake = (part.reshape(len(part), -1) for part in images)
    small = [part.reshape(len(part), -1) for part in (reduced(part, CELL_SIDE) for part in images)]
    wide = min(features[2].shape) > WIDE
    found = Found()
    found["copy_rate"] = flagged
    found.add("closer_to_train", lambda: novelty.closer_to_train(train, held_out, fake, seed=seed))
    found.add("neighbour_ratio", lambda: novelty.neighbour_ratio(train, fake))
    found.add("authenticity", lambda: novelty.authenticity(train, fake))
    found.add("ct", lambda: novelty.ct_score(*small, seed=seed))
    likelihood = cache(lambda: novelty.fld(*features, seed=seed))
    found.add("fld", lambda: likelihood().fld)
    found.add("fld_gap", lambda: likelihood().gap)
    found.add(
        "mifid", lambda: novelty.mifid(features[0], features[2], bootstrap=0 if wide else 100, seed=seed)
    )
    found.add("birthday_support", lambda: novelty.birthday_support(fake).support)
    return found


def chance_rate(ratios: np.ndarray) -> Estimate:
    """The false-positive rate as measured: each half of the held-out images (h,) judged by the rule of the other."""
    one, other = ratios[::2], ratios[1::2]
    halves = [novelty.calibrate_distances(a, b, quantile=QUANTILE) for a, b in ((one, other), (other, one))]
    return metrics.clopper_pearson(int(sum(half.flags.sum() for half in halves)), len(ratios))


def listed(copies: novelty.Copies, samples: ImageSet, train: ImageSet) -> list[dict[str, Any]]:
    """The closest pairs, closest first: all that are flagged, and others up to a hundred."""
    count = max(min(LISTED, len(copies.order)), int(copies.calibration.flags.sum()))
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


def drawn(record: dict[str, Any], *, least: int = 12, most: int = 60) -> list[dict[str, Any]]:
    """The pairs for the figure: the flagged ones up to `most`, and at least `least` in any case."""
    pairs: list[dict[str, Any]] = record["copies"]["pairs"]
    return pairs[: max(least, min(most, record["copies"]["flagged"]))]


def figure(record: dict[str, Any], samples: np.ndarray, train: np.ndarray, *, columns: int) -> np.ndarray:
    """The closest pairs, samples above and training images below, flagged ones framed: RGB (h, w, 3)."""
    pairs = drawn(record)
    rows = []
    for start in range(0, len(pairs), columns):
        part = pairs[start : start + columns]
        mine, theirs = (x[[pair["places"][i] for pair in part]] for i, x in enumerate((samples, train)))
        rows.append(pictures.neighbours(mine, theirs, [pair["flagged"] for pair in part], 256, side=64))
    width = rows[0].shape[1]
    spare = (((0, 0), (0, width - row.shape[1]), (0, 0)) for row in rows)
    return np.concatenate(
        [np.pad(row, pad, constant_values=pictures.PAPER) for row, pad in zip(rows, spare, strict=True)]
    )


def said(name: str, extractor: Extractor) -> tuple[str, str]:
    """Label and direction of a score.  "FID" is kept for the features that published values are computed with."""
    label, direction = (FIDELITY | NOVELTY)[name]
    names = PUBLISHED_NAMES if extractor.name == "inception" else OTHER_NAMES
    return label.format(**names, extractor=extractor.name), direction


def table(record: dict[str, Any], *, most: int = 40) -> str:
    """The record as plain text, at most 100 columns; all flagged pairs up to `most`."""
    extractor, copies = record["extractor"], record["copies"]
    chance = copies["measured_on_held_out"]
    lines = [
        *(f"{role:<10}{_cut(_counted(record[role]), 90)}" for role in ("samples", "train", "held_out")),
        f"extractor {extractor['name']}, {extractor['features']} features, sha256 {extractor['sha256'][:12]}",
        f"seed      {record['seed']}; reference split: held_out",
        *_section("fidelity", record["fidelity"], FIDELITY),
        *_section("novelty", record["novelty"], NOVELTY),
        *_notes(record),
        *(_cut(f"not computed: {name} ({why})", 100) for name, why in record["not_computed"].items()),
        "",
        f"{copies['flagged']} of {record['samples']['n']} samples are closer to a training image than all but "
        f"{copies['quantile']:.0%} of held-out images.",
        f"Of new data at most {copies['expected_by_chance_at_most']:.3g} are expected; "
        f"of held-out images it flags {chance['value']:.2%} [{chance['low']:.2%}, {chance['high']:.2%}].",
        "",
        f"{'':<4}  {'sample':<38}  {'closest training image':<26}  {'view':<8}  {'ratio':>6}  {'p':>6}",
        *(
            f"{'copy' if pair['flagged'] else '':<4}  {_cut(pair['sample'], 38):<38}  {_cut(pair['train'], 26):<26}  "
            f"{pair['view']:<8}  {pair['ratio']:>6.3f}  {pair['p_value']:>6.4f}"
            for pair in drawn(record, most=most)
        ),
    ]
    return "\n".join(line.rstrip() for line in lines)


def _notes(record: dict[str, Any]) -> list[str]:
    """What makes the numbers look better or worse than they are."""
    shared, notes = record["exact_copies"], []
    if shared["samples_in_held_out"]:
        notes.append(
            f"{shared['samples_in_held_out']} of the samples are held-out images: fidelity is too good"
        )
    if shared["held_out_in_train"]:
        notes.append(
            f"{shared['held_out_in_train']} held-out images are training images: copies may be missed"
        )
    if (
        record["extractor"]["name"] in PUBLISHED_WEIGHTS
        and not record["extractor"]["comparable_with_published"]
    ):
        notes.append("not the published weights file: not comparable with published numbers")
    if record["extractor"]["fitted_to_training_images"]:
        notes.append("the extractor knows the training images: real data may look worse than it is")
    return [f"note: {note}" for note in notes]


def _shared(some: ImageSet, others: ImageSet) -> int:
    """How many images of one set are in the other, pixel by pixel."""
    known = {image.tobytes() for image in others.images}
    return sum(image.tobytes() in known for image in some.images)


def _section(title: str, scores: dict[str, Any], about: dict[str, tuple[str, str]]) -> list[str]:
    """A heading and one line for each score."""
    heads = ("value", "95 % interval", "n", "real data", "better" if title == "fidelity" else "of new data")
    rows = [
        (
            score["label"],
            _number(score["value"]),
            f"[{_number(score['low'])}, {_number(score['high'])}]",
            str(score["n"]),
            _number(score["real"]["value"]) if score["real"] else "",
            about[name][1],
        )
        for name, score in scores.items()
    ]
    return [
        "",
        *(f"{a:<37}{b:>9}  {c:<20}{d:>7} {e:>10}  {f}" for a, b, c, d, e, f in [(title, *heads), *rows]),
    ]


def _about(images: ImageSet) -> dict[str, Any]:
    return {
        "source": images.source,
        "n": len(images.images),
        "sha256": images.sha256,
        "unreadable": list(images.unreadable),
    }


def _counted(about: dict[str, Any]) -> str:
    bad = f", {len(about['unreadable'])} unreadable files left out" if about["unreadable"] else ""
    return f"{about['n']} images{bad}, {about['source']}"


def _number(value: float | None) -> str:
    """Three digits, in at most nine characters."""
    if value is None:
        return "inf"
    return f"{value:.3g}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.1e}"


def _cut(text: str, most: int) -> str:
    """The end of a text that is too long is what tells files apart."""
    return text if len(text) <= most else "…" + text[1 - most :]
