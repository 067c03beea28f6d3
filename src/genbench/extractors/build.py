"""Feature extractors: images of any size in, features and, where there is a classifier, probabilities out.

Every number computed on features names the extractor and its hash; numbers of different extractors cannot be compared.

| name | features | needs |
|---|---|---|
| `random-convolution` | 240, fixed random filters | nothing |
| `pca-pixels` | up to 64 principal components of the training images | nothing |
| `inception` | 2048, and 1008 probabilities: those of published FID, KID and IS | weights, 96 MB |
| `dinov2-s`, `dinov2-b`, `dinov2-l` | 384, 768, 1024 | weights, 88 to 1218 MB |
| `classifier:PATH` | those of a classifier trained by `genbench extractor` | that file |
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from genbench.data.parts.raw import home_expanded
from genbench.extractors.base import Extractor, Outputs
from genbench.storage.files import InputError

__all__ = ["EXTRACTORS", "Extractor", "Outputs", "build"]


def _random_convolution(train: np.ndarray, weights: Path | None, device: str) -> Extractor:
    from genbench.extractors.random_convolution import RandomConvolution

    _no_weights("random-convolution", weights)
    return RandomConvolution(train.shape[1])


def _pca_pixels(train: np.ndarray, weights: Path | None, device: str) -> Extractor:
    from genbench.extractors.pca_pixels import PcaPixels

    _no_weights("pca-pixels", weights)
    return PcaPixels(train)


def _inception(train: np.ndarray, weights: Path | None, device: str) -> Extractor:
    from genbench.extractors.inception import InceptionFeatures

    return InceptionFeatures(weights, device=device)


def _dinov2(size: str) -> Callable[[np.ndarray, Path | None, str], Extractor]:
    def builder(train: np.ndarray, weights: Path | None, device: str) -> Extractor:
        from genbench.extractors.dinov2 import DinoFeatures

        return DinoFeatures(size, weights, device=device)

    return builder


EXTRACTORS: dict[str, Callable[[np.ndarray, Path | None, str], Extractor]] = {
    "random-convolution": _random_convolution,
    "pca-pixels": _pca_pixels,
    "inception": _inception,
    "dinov2-s": _dinov2("s"),
    "dinov2-b": _dinov2("b"),
    "dinov2-l": _dinov2("l"),
}


def build(name: str, *, train: np.ndarray, weights: Path | None = None, device: str = "cpu") -> Extractor:
    """The extractor called `name`, fitted to or shaped by the training images, uint8 (n, c, h, w), where it has to be.

    Raises:
        InputError: an unknown name, or weights that are missing, damaged or of another network.
    """
    kind, _, path = name.partition(":")
    if kind == "classifier":
        from genbench.extractors.classifier import ClassifierFeatures

        if bool(path) == (weights is not None):
            raise InputError(
                f"extractor: {name!r}; expected classifier:PATH, or classifier with --weights PATH"
            )
        return ClassifierFeatures(weights or home_expanded(path), shape=train.shape[1:])
    if name not in EXTRACTORS:
        raise InputError(f"extractor: {name!r}; expected one of {', '.join(EXTRACTORS)}, classifier:PATH")
    return EXTRACTORS[name](train, weights, device)


def _no_weights(name: str, weights: Path | None) -> None:
    if weights is not None:
        raise InputError(f"{weights}: {name} takes no weights; leave --weights out")
