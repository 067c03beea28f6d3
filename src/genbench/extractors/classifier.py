"""The domain classifier of `genbench extractor`, for images from anywhere."""

import json
from pathlib import Path

import numpy as np

from genbench.core import Space
from genbench.data import header
from genbench.extractor import Classifier, Trained
from genbench.extractors.base import Extractor, Outputs, checked
from genbench.files import InputError, read_bytes
from genbench.weights import load_state, read_weights


class ClassifierFeatures(Extractor):
    """Features and probabilities of a trained classifier; images must have the channels it was trained on.

    Raises:
        InputError: no classifier's weights, or one for another number of channels.
    """

    name = "classifier"
    fitted = True

    def __init__(self, path: Path, *, shape: tuple[int, ...]) -> None:
        tensors, self.sha256 = read_weights(path, expected={"kind": "classifier"})
        about = json.loads(header(read_bytes(path, what="the extractor"))["about"])
        channels, classes = tensors["body.0.weight"].shape[1], len(tensors["head.weight"])
        if channels != shape[0]:
            raise InputError(
                f"{path}: a classifier of {channels}-channel images; expected {shape[0]} channels"
            )
        space = Space("image", tuple(shape), 256, classes)
        classifier = Classifier(space, width=about["width"], features=about["features"])
        load_state(classifier, tensors, source=str(path))
        self.trained = Trained(classifier.eval(), space, self.sha256)

    def outputs(self, images: np.ndarray) -> Outputs:
        if checked(images).shape[1:] != self.trained.space.shape:
            raise ValueError(f"images: {images.shape[1:]}, expected {self.trained.space.shape}")
        found = self.trained(np.ascontiguousarray(images))
        return Outputs(found.features, found.probabilities)
