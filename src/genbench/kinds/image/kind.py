"""Images: uint8 levels (n, c, h, w).  Features come from a classifier trained on the same dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.drawing import tiles as pictures
from genbench.kinds.kind import Card, Comparison, Subject
from genbench.storage.arrays import blocks

if TYPE_CHECKING:
    from genbench.data.prepared import Prepared
    from genbench.params.schema import Extractor
    from genbench.scoring.evaluation import Draws

DISTANCE = "Euclidean on pixels in [0, 1]"
SHOWN = 100


def vectors(stored: np.ndarray, card: Card) -> np.ndarray:
    """Levels -> float64 in [0, 1], flattened: (n, c·h·w)."""
    return stored.reshape(len(stored), -1).astype(np.float64) / (card["levels"] - 1)


def extractor(data: "Prepared", settings: "Extractor") -> tuple[bytes, dict[str, Any]]:
    from genbench.extractors import classifier

    return classifier.train(data, settings)


def compare(data: "Prepared", subject: Subject, drawn: "Draws", *, extractor: Path, seed: int) -> Comparison:
    """Quality in the classifier's features; under a condition, whether the classifier reads what was asked for."""
    from genbench.extractors import classifier
    from genbench.scoring import evaluation, metrics

    extract = classifier.load(extractor, data)
    real, fake = extract(data.held_out.x), extract(subject.samples)
    scores = evaluation.sample_scores(real, fake, drawn, classes=data.classes, seed=seed)
    if subject.asked is not None:
        scores["condition_agreement"] = evaluation.share_of(fake.labels == subject.asked, drawn.fake)
        if data.card.get("paired"):
            sides = zip(blocks(subject.samples), blocks(data.held_out.x), strict=True)
            apart = (vectors(one, data.card) - vectors(other, data.card) for one, other in sides)
            errors = np.concatenate([np.abs(part).mean(1) for part in apart])
            scores["l1"] = evaluation.mean_over(errors, drawn.fake, least=0.0)
    histogram = metrics.class_histogram(fake.labels, data.classes)
    facts = {
        "extractor": extract.sha256,
        "class_histogram": [float(share) for share in histogram],
        "extractors": evaluation.extractor_scores(data, extract, subject.samples, scores["fid"].estimate),
    }
    return Comparison(scores, facts)


def grid(samples: np.ndarray, card: Card) -> np.ndarray:
    return pictures.tile(samples[:SHOWN], card["levels"], columns=10)


def pairs(samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card) -> np.ndarray:
    return pictures.neighbours(samples, training, flagged, card["levels"])
