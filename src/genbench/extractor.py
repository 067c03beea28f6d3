"""The domain classifier: a small CNN trained on the train split, whose penultimate layer gives the features of FID
(classifier) and its kin, and whose probabilities give the classifier score."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from genbench.core import Space
from genbench.data import Prepared, header
from genbench.files import InputError, read_bytes, sha256
from genbench.params import Extractor
from genbench.weights import read_weights, weights_bytes


class Classifier(nn.Module):
    """Three convolutions with batch norm, averaged to 4×4 places, then `features` units and the logits."""

    def __init__(self, space: Space, *, width: int, features: int) -> None:
        super().__init__()
        channels, height, side = space.shape
        pool = nn.MaxPool2d(2) if min(height, side) >= 8 else nn.Identity()
        self.body = nn.Sequential(
            *self.block(channels, width),
            *self.block(width, 2 * width),
            pool,
            *self.block(2 * width, 2 * width),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(2 * width * 16, features),
            nn.SiLU(),
        )
        self.head = nn.Linear(features, space.classes)

    @staticmethod
    def block(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU()]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(n, c, h, w) in [0, 1] -> features (n, f), logits (n, classes)."""
        features = self.body(2 * x - 1)
        return features, self.head(features)


class Features(NamedTuple):
    """What the metrics are computed on: features (n, f), class probabilities (n, classes), labels (n,)."""

    features: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray


class Trained(NamedTuple):
    classifier: Classifier
    space: Space
    sha256: str

    @torch.no_grad()
    def __call__(self, levels: np.ndarray) -> Features:
        """uint8 levels (n, c, h, w) -> features."""
        outputs = [
            self.classifier(self.space.to_unit(torch.from_numpy(levels[i : i + 512])))
            for i in range(0, len(levels), 512)
        ]
        features = torch.cat([output[0] for output in outputs]).double().numpy()
        probabilities = torch.cat([output[1] for output in outputs]).double().softmax(1).numpy()
        return Features(features, probabilities, probabilities.argmax(1))


def space_of(data: Prepared) -> Space:
    return Space(data.card["kind"], tuple(data.card["shape"]), data.levels, data.classes)


def train(data: Prepared, params: Extractor, *, seed: int) -> tuple[bytes, dict[str, Any]]:
    """Train on the train split; the weights file's bytes, and its card with the held-out accuracy."""
    space = space_of(data)
    if space.classes < 2:
        raise InputError(f"{data.card['name']}: {space.classes} class; a classifier needs at least 2")
    torch.manual_seed(seed)
    model = Classifier(space, width=params.width, features=params.features)
    x = space.to_unit(torch.from_numpy(data.train_x))
    y = torch.from_numpy(data.train_y)
    optimizer = torch.optim.AdamW(model.parameters(), lr=params.lr, weight_decay=1e-2)
    generator = Generator().manual_seed(seed)
    model.train()
    for step in range(params.steps):
        for group in optimizer.param_groups:  # half a cosine, after a short warm-up
            group["lr"] = (
                params.lr * min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / params.steps))
            )
        index = torch.randint(len(x), (params.batch_size,), generator=generator)
        logits = model(augment(x[index], generator))[1]
        loss = F.cross_entropy(logits, y[index], label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    model.eval()
    about = {"kind": "classifier", "data": data.sha256, "width": params.width, "features": params.features}
    content = weights_bytes(model, about)
    extract = Trained(model, space, sha256(content))
    return content, _card(data, params, extract)


def load(path: Path, data: Prepared) -> Trained:
    """The classifier of one dataset.

    Raises:
        InputError: missing, damaged, or trained on another version of the data.
    """
    tensors, digest = read_weights(path, expected={"kind": "classifier", "data": data.sha256})
    about = json.loads(header(read_bytes(path, what="the extractor"))["about"])
    model = Classifier(space_of(data), width=about["width"], features=about["features"])
    model.load_state_dict(tensors)
    return Trained(model.eval(), space_of(data), digest)


def augment(x: Tensor, generator: Generator) -> Tensor:
    """Small random rotations, scalings and shifts: what leaves a picture's class alone."""
    n, _, height, width = x.shape
    uniform = 2 * torch.rand(n, 5, generator=generator) - 1
    angle, scale_x, scale_y = 0.2 * uniform[:, 0], 1 + 0.1 * uniform[:, 1], 1 + 0.1 * uniform[:, 2]
    shift_x, shift_y = 1.5 * uniform[:, 3] / width, 1.5 * uniform[:, 4] / height
    rows = [
        torch.stack([scale_x * angle.cos(), -scale_x * angle.sin(), shift_x], 1),
        torch.stack([scale_y * angle.sin(), scale_y * angle.cos(), shift_y], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def _card(data: Prepared, params: Extractor, extract: Trained) -> dict[str, Any]:
    from genbench.metrics import clopper_pearson

    correct = int((extract(data.held_out_x).labels == data.held_out_y).sum())
    return {
        "extractor": "classifier",
        "dataset": data.card["name"],
        "accuracy": clopper_pearson(correct, len(data.held_out_y)).as_dict(),
        "features": params.features,
        "parameters": sum(parameter.numel() for parameter in extract.classifier.parameters()),
        "steps": params.steps,
        "seed": params.seed,
        "weights_sha256": extract.sha256,
        "data_sha256": data.sha256,
    }
