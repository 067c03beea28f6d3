"""The domain classifier: a small CNN trained on the train split, once for each of several seeds.

Its penultimate layer gives the features of FID (classifier) and its kin, and its probabilities give the classifier
score.  The first seed's numbers stand in the tables; the others show how far the extractor's own training moves them.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Space, space_of
from genbench.data.prepared import Prepared
from genbench.extractors import readers
from genbench.extractors.base import Extractor, Outputs, checked
from genbench.extractors.fitting import fit
from genbench.params.schema import Extractor as Settings
from genbench.runtime.machine import seed_of
from genbench.scoring.estimates import clopper_pearson
from genbench.scoring.features import Features
from genbench.storage.arrays import slices
from genbench.storage.files import InputError, read_bytes, sha256
from genbench.storage.stored import Stored
from genbench.storage.tensors import header
from genbench.storage.weights import load_state, read_weights, weights_bytes

BATCH = 512  # of images of up to 32×32 pixels, fewer of larger ones


class Classifier(nn.Module):
    """Three convolutions with batch norm, averaged to 4×4 places, then `features` units and the logits.

    Halved after the first where sides are 16 or more, which halves the cost of a training, and after the second from 8.

    Channels last in memory, which is a third faster on a CPU.
    """

    def __init__(self, space: Space, *, width: int, features: int) -> None:
        super().__init__()
        channels, height, side = space.shape
        first, second = (
            nn.MaxPool2d(2) if min(height, side) >= least else nn.Identity() for least in (16, 8)
        )
        self.body = nn.Sequential(
            *self.block(channels, width),
            first,
            *self.block(width, 2 * width),
            second,
            *self.block(2 * width, 2 * width),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(2 * width * 16, features),
            nn.SiLU(),
        )
        self.head = nn.Linear(features, space.classes)
        self.to(memory_format=torch.channels_last)

    @staticmethod
    def block(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU()]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, c, h, w) in [0, 1] -> features (n, f), logits (n, classes)."""
        features = self.body((2 * x - 1).contiguous(memory_format=torch.channels_last))
        return features, self.head(features)


class Trained(NamedTuple):
    """One classifier for each seed, and the hash of the file that holds them."""

    classifiers: Mapping[int, Classifier]
    space: Space
    sha256: str

    @torch.no_grad()
    def __call__(self, levels: np.ndarray, *, seed: int | None = None) -> Features:
        """uint8 levels (n, c, h, w) -> features under the classifier of `seed`, by default the first."""
        classifier = self.classifiers[next(iter(self.classifiers)) if seed is None else seed]
        images = Stored(levels, self.space.to_unit, torch.device("cpu"))
        step = min(BATCH, max(1, BATCH * 32 * 32 // math.prod(self.space.shape[1:])))
        outputs = [classifier(images[part]) for part in slices(len(levels), step)]
        features = torch.cat([output[0] for output in outputs]).double().numpy()
        probabilities = torch.cat([output[1] for output in outputs]).double().softmax(1).numpy()
        return Features(features, probabilities, probabilities.argmax(1))


class ClassifierFeatures(Extractor):
    """Features and probabilities of the first trained classifier, for images from anywhere.

    Raises:
        InputError: no classifier's weights, or one for images with another number of channels.
    """

    name = "classifier"
    fitted = True

    def __init__(self, path: Path, *, shape: tuple[int, ...]) -> None:
        tensors, digest = read_weights(path, expected={"kind": "classifier"})
        about = _about(path)
        channels, classes = tensors["0.body.0.weight"].shape[1], len(tensors["0.head.weight"])
        if channels != shape[0]:
            raise InputError(
                f"{path}: a classifier of {channels}-channel images; expected {shape[0]} channels"
            )
        space = Space("image", tuple(shape), 256, classes)
        self.trained, self.sha256 = _rebuild(tensors, about, space, digest, path), digest

    def outputs(self, images: np.ndarray) -> Outputs:
        if checked(images).shape[1:] != self.trained.space.shape:
            raise ValueError(f"images: {images.shape[1:]}, expected {self.trained.space.shape}")
        found = self.trained(np.ascontiguousarray(images))
        return Outputs(found.features, found.probabilities)


def train(data: Prepared, params: Settings) -> tuple[bytes, dict[str, Any]]:
    """Train one classifier for each of `params.seeds`: the weights file's bytes, and its card with the accuracies.

    Beside them the readers of a dataset whose card names factors.
    """
    space, name = space_of(data.card), data.card["name"]
    if space.classes < 2 or len(np.unique(data.train.y)) < 2:
        raise InputError(
            f"datasets.{name}: {len(data.train.y)} images to train on, all of one class; a classifier needs at least 2"
        )
    classifiers = {
        seed: _train_one(data, space, params, seed_of(seed, data.card["name"], "extractor"))
        for seed in params.seeds
    }
    about: dict[str, Any] = {
        "kind": "classifier",
        "data": data.sha256,
        "width": params.width,
        "features": params.features,
        "seeds": params.seeds,
    }
    networks: nn.Module = nn.ModuleList(classifiers.values())
    found = readers.train(data, params)
    if found is not None:
        networks.add_module("readers", found.readers.network)
        about["readers"] = readers.about(found.readers)
    content = weights_bytes(networks, about)
    card = _card(data, params, Trained(classifiers, space, sha256(content)))
    return content, card if found is None else card | {"readers": found.card}


def load(path: Path, data: Prepared) -> Trained:
    """The classifiers of one dataset.

    Raises:
        InputError: missing, damaged, or trained on another version of the data.
    """
    tensors, digest = read_weights(path, expected={"kind": "classifier", "data": data.sha256})
    return _rebuild(tensors, _about(path), space_of(data.card), digest, path)


def _about(path: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(header(read_bytes(path, what="the extractor"))["about"])
    return about


def _rebuild(
    tensors: Mapping[str, Tensor], about: Mapping[str, Any], space: Space, digest: str, path: Path
) -> Trained:
    classifiers = {
        seed: Classifier(space, width=about["width"], features=about["features"]) for seed in about["seeds"]
    }
    own = {name: tensor for name, tensor in tensors.items() if not name.startswith(readers.PREFIX)}
    load_state(nn.ModuleList(classifiers.values()).eval(), own, source=str(path))
    return Trained(classifiers, space, digest)


def _train_one(data: Prepared, space: Space, params: Settings, seed: int) -> Classifier:
    torch.manual_seed(seed)
    model = Classifier(space, width=params.width, features=params.features)
    x = Stored(data.train.x, space.to_unit, torch.device("cpu"))
    y = torch.tensor(data.train.y)

    def loss(index: Tensor, rng: Generator) -> Tensor:
        seen = space.to_unit(space.to_levels(augment(x[index], rng)))  # grey edges are foreign to binary data
        return F.cross_entropy(model(seen)[1], y[index], label_smoothing=0.1)

    fit(
        model,
        loss,
        n=len(x),
        steps=params.steps,
        batch_size=params.batch_size,
        lr=params.lr,
        weight_decay=1e-2,
        seed=seed,
    )
    return model


def augment(x: Tensor, rng: Generator) -> Tensor:
    """Small random rotations, scalings and shifts: what leaves a picture's class alone."""
    n, _, height, width = x.shape
    uniform = 2 * torch.rand(n, 5, generator=rng) - 1
    angle, scale_x, scale_y = 0.2 * uniform[:, 0], 1 + 0.1 * uniform[:, 1], 1 + 0.1 * uniform[:, 2]
    shift_x, shift_y = 1.5 * uniform[:, 3] / width, 1.5 * uniform[:, 4] / height
    rows = [
        torch.stack([scale_x * angle.cos(), -scale_x * angle.sin(), shift_x], 1),
        torch.stack([scale_y * angle.sin(), scale_y * angle.cos(), shift_y], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def _card(data: Prepared, params: Settings, trained: Trained) -> dict[str, Any]:
    def accuracy(seed: int) -> dict[str, Any]:
        correct = int((trained(data.held_out.x, seed=seed).labels == data.held_out.y).sum())
        return clopper_pearson(correct, len(data.held_out.y)).as_dict()

    accuracies = {seed: accuracy(seed) for seed in params.seeds}
    one = next(iter(trained.classifiers.values()))
    return {
        "extractor": "classifier",
        "dataset": data.card["name"],
        "accuracy": accuracies[params.seeds[0]],
        "accuracy_by_seed": {str(seed): found for seed, found in accuracies.items()},
        "features": params.features,
        "parameters": sum(parameter.numel() for parameter in one.parameters()),
        "steps": params.steps,
        "weights_sha256": trained.sha256,
        "data_sha256": data.sha256,
    }
