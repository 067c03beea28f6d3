"""Samples of images against held-out images, in the features of the dataset's classifier and of other extractors."""

from pathlib import Path
from typing import Any

import numpy as np

from genbench.data.pixels import spread
from genbench.data.prepared import Prepared
from genbench.data.reference import Known
from genbench.extractors import classifier, readers
from genbench.extractors.base import Extractor
from genbench.extractors.random_convolution import RandomConvolution
from genbench.kinds.comparison import Comparison, Subject, united
from genbench.kinds.image import diversity, fidelity, questions
from genbench.kinds.image.distance import DISTANCE
from genbench.kinds.image.reference import ImageReference
from genbench.kinds.image.reference import known as what_is_known
from genbench.scoring import metrics
from genbench.scoring.comparison import sample_scores
from genbench.scoring.estimates import Estimate
from genbench.scoring.resampling import Draws, Scored, crossed_scores, mean_over, not_negative, share_of
from genbench.storage.arrays import blocks


def compare(
    data: Prepared,
    subject: Subject,
    drawn: Draws,
    *,
    extractor: Path,
    seed: int,
    known: Known | None = None,
) -> Comparison:
    """Quality in the classifier's features; under a condition, whether the classifier reads what was asked for.

    Of a model that offers more, see `capabilities`, what it answers to the questions of `questions`.
    """
    extract = classifier.load(extractor, data)
    reference = ImageReference(data, what_is_known(data, extractor) if known is None else known)
    real, fake = reference.held_out, extract(subject.samples)
    found = sample_scores(real, fake, drawn, classes=data.classes, seed=seed)
    scores = [found]
    if subject.asked is not None:
        scores.append({"condition_agreement": share_of(fake.labels == subject.asked, drawn.fake)})
        if data.card.get("paired"):
            scores.append({"l1": _distance_of_pairs(data, subject.samples, drawn)})
    histogram = metrics.class_histogram(fake.labels, data.classes)
    facts: dict[str, Any] = {
        "extractor": extract.sha256,
        "class_histogram": [float(share) for share in histogram],
        "extractors": _extractor_scores(reference, extract, subject.samples, found["fid"].estimate, drawn),
    }
    facts["collapse"] = diversity.collapse_of(data, reference.train, real, fake, subject.samples, seed=seed)
    if subject.followed:
        facts["dynamics"] = diversity.over_training(data, extract, real, subject.followed)
    read = readers.load(extractor, data)
    answers = questions.answers(data, subject, fake, extract, read, reference, seed=seed)
    worth = fidelity.answers(data, real, fake, extract, _labels(data, subject), seed=seed)
    if answers.tables:
        facts["tables"] = [table.as_dict() for table in answers.tables]
    return Comparison(united(scores), facts, {**worth.measures, **answers.measures})


def _labels(data: Prepared, subject: Subject) -> np.ndarray | None:
    """What samples were asked to show, where that is a class of the held-out images' own."""
    return subject.asked if data.train.source is None else None


def _distance_of_pairs(data: Prepared, samples: np.ndarray, drawn: Draws) -> Scored:
    """Mean absolute difference of sample i from held-out image i, its true counterpart."""
    errors = []
    for pair in zip(blocks(samples), blocks(data.held_out.x), strict=True):
        one, other = (DISTANCE.vectors(x, data.card) for x in pair)
        errors.append(np.abs(one - other).mean(1))
    return mean_over(np.concatenate(errors), drawn.fake, least=0.0)


def _extractor_scores(
    reference: ImageReference, trained: classifier.Trained, fake: np.ndarray, headline: Estimate, drawn: Draws
) -> list[dict[str, Any]]:
    """The Fréchet distance under every extractor at hand, the headline's first: does the ranking depend on it?

    fake: uint8 levels (n, c, h, w).  The others' intervals are of first order: one pass instead of many resamplings.
    """
    first, *others = trained.classifiers
    data, real = reference.data, reference.others
    picture = spread(fake, data.levels)
    plain: list[Extractor] = [RandomConvolution(data.card["shape"][0]), reference.pca]
    width = next(iter(trained.classifiers.values())).head.in_features
    records = [_record(f"classifier, seed {first}", trained.sha256, headline, width)]
    for seed in others:
        a, b = real[str(seed)], trained(fake, seed=seed).features
        records.append(
            _record(f"classifier, seed {seed}", trained.sha256, _crossed_distance(a, b, drawn), a.shape[1])
        )
    for extractor in plain:
        a, b = real[extractor.name], extractor.features(picture)
        records.append(_record(extractor.name, extractor.sha256, _crossed_distance(a, b, drawn), a.shape[1]))
    return records


def _crossed_distance(real: np.ndarray, fake: np.ndarray, drawn: Draws) -> Estimate:
    def of_fold(held_out: slice, own: slice, drawn: Draws) -> dict[str, Scored]:
        x, y = real[held_out], fake[own]
        linear = metrics.frechet_linear(x, y, drawn.real, drawn.fake)
        estimate = Estimate.alone(metrics.frechet_value(x, y), len(y))
        return {"fid": Scored(estimate, linear, interval=not_negative)}

    return crossed_scores(of_fold, drawn)["fid"].estimate


def _record(name: str, digest: str, fid: Estimate, features: int) -> dict[str, Any]:
    return {"name": name, "sha256": digest, "features": features, "fid": fid.as_dict()}
