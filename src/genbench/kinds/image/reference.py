"""What every run on images asks of the dataset and its extractor alone: features of held-out images, rows of tables.

Nothing here knows a score of samples, so that an edit of one leaves a reference as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genbench.data.pixels import spread
from genbench.data.prepared import Prepared
from genbench.data.reference import Known
from genbench.extractors import classifier, readers
from genbench.extractors.pca_pixels import PcaPixels
from genbench.extractors.random_convolution import RandomConvolution
from genbench.kinds.image import factors, representation
from genbench.kinds.image.composed import beside
from genbench.kinds.image.distance import DISTANCE
from genbench.kinds.image.parts import Linear, PartReaders, part_readers
from genbench.kinds.image.representation import OfPixels
from genbench.nn.probes import Components
from genbench.scoring.disentanglement import Disentanglement
from genbench.scoring.estimates import Estimate
from genbench.scoring.features import Features

MOST = 2000  # training images whose features are kept: as many elements of a set as collapse is judged by
WHOLE = ("counted", "perspective")  # keys of a card that say what spans the halves of an image


def known(data: Prepared, extractor: Path) -> Known:
    """Everything that `ImageReference` reads, and `Distance.of_dataset`."""
    extract, read = classifier.load(extractor, data), readers.load(extractor, data)
    others = list(extract.classifiers)[1:]
    real = data.held_out.x
    found = extract(real)
    shown = spread(real, data.levels)
    pca = PcaPixels(spread(data.train.x, data.levels))
    arrays = {
        "held_out.features": found.features,
        "held_out.probabilities": found.probabilities,
        "train.features": extract(data.train.x[:MOST]).features,
        "others.random-convolution": RandomConvolution(data.card["shape"][0]).features(shown),
        "others.pca-pixels": pca.features(shown),
        "pca.centre": pca.centre,
        "pca.axes": pca.axes,
        **{f"others.{seed}": extract(real, seed=seed).features for seed in others},
        **DISTANCE.of_dataset(data),
    }
    if data.card.keys() & set(WHOLE):
        arrays["composed.features"] = extract(beside(real)).features
    maps = (one for part in part_readers(data) for one in part.readers)
    for place, one in enumerate(maps):
        arrays |= {f"parts.{place}.{name}": array for name, array in one._asdict().items()}
    facts: dict[str, Any] = {"pca": pca.sha256}
    if (pixels := representation.of_pixels(data)) is not None:
        arrays |= {f"pixels.{name}": each.numpy() for name, each in pixels.components._asdict().items()}
        facts["pixels"] = _told(pixels.scores)
    if read is not None and (true := factors.of_truth(data, read)) is not None:
        facts["true factors"] = _told(true._asdict())
    return Known(arrays, facts)


@dataclass(frozen=True)
class ImageReference:
    """What is known of a dataset, as its users take it; what a dataset has not, is None or empty."""

    data: Prepared
    known: Known

    @cached_property
    def held_out(self) -> Features:
        """Of held-out images, by the first classifier."""
        found = self.known.of("held_out")
        probabilities = found["probabilities"]
        return Features(found["features"], probabilities, probabilities.argmax(1))

    @property
    def train(self) -> np.ndarray:
        """(n, f): features of the first MOST training images."""
        return self.known.of("train")["features"]

    @property
    def others(self) -> Mapping[str, np.ndarray]:
        """Features (n, …) of held-out images by the other extractors: the seed of a classifier, or a name."""
        return self.known.of("others")

    @property
    def composed(self) -> np.ndarray | None:
        """(n, f): features of held-out images with halves of two put together, where the card asks for them."""
        return self.known.of("composed")["features"] if self.data.card.keys() & set(WHOLE) else None

    @property
    def pca(self) -> PcaPixels:
        found = self.known.of("pca")
        return PcaPixels.restored(
            self.data.train.x.shape[1:], found["centre"], found["axes"], self._fact("pca")
        )

    @property
    def parts(self) -> list[PartReaders]:
        found = self.known.of("parts")
        count = len(found) // len(Linear._fields)
        maps = (Linear(*(found[f"{i}.{name}"] for name in Linear._fields)) for i in range(count))
        return part_readers(self.data, maps)

    @property
    def pixels(self) -> OfPixels | None:
        if "pixels" not in self.known.facts:
            return None
        found = self.known.of("pixels")
        components = Components(*(torch.tensor(found[name]) for name in Components._fields))
        return OfPixels(_read(self._fact("pixels")), components)

    @property
    def true_factors(self) -> Disentanglement | None:
        if "true factors" not in self.known.facts:
            return None
        return Disentanglement(**_read(self._fact("true factors")))

    def _fact(self, name: str) -> Any:
        return self.known.facts[name]


def _told(scores: Mapping[str, Estimate]) -> dict[str, list[float]]:
    """Every digit, and what is not a number: `Estimate.as_dict` makes that None."""
    return {name: [*score[:3], score.n] for name, score in scores.items()}


def _read(told: Mapping[str, list[float]]) -> dict[str, Estimate]:
    return {name: Estimate(value, low, high, int(n)) for name, (value, low, high, n) in told.items()}
