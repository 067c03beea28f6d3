"""Readers: one small network that reads the known factors of an image off it, a head for each.

It is trained beside the classifier of a dataset whose card names factors: on its images, and on the images to
translate from where these have the same shape and their own factors.  Then one head more reads the `domain`, 0 of
sources and 1 of targets.  How well each factor is read off held-out images stands on the card; no score uses a reader
below READABLE.
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
from genbench.data.source import Part
from genbench.extractors.fitting import fit
from genbench.params.schema import Extractor as Settings
from genbench.runtime.machine import seed_of
from genbench.scoring.estimates import Estimate, bootstrap_interval, clopper_pearson, resamplings
from genbench.storage.arrays import slices
from genbench.storage.files import read_bytes
from genbench.storage.stored import Stored
from genbench.storage.tensors import header
from genbench.storage.weights import load_state, read_weights

READABLE = 0.95  # of the accuracy, or of R²
DOMAIN = "domain"
PREFIX = "readers."
LONGER, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 4, 48, 4e-3, 0.05
WIDTHS, PLACES, FEATURES = (16, 32, 48), 4, 128
AT_ONCE, RESAMPLINGS = 512, 200

Values = tuple[str, ...] | tuple[float, float]  # names of 0, 1, …, or the lowest and the highest


class Reading(NamedTuple):
    """One factor of n images as it is read: a number each, or for a discrete factor its class and the probabilities.

    span: highest less lowest value; 1 for a discrete factor.
    """

    values: np.ndarray
    probabilities: np.ndarray | None = None
    span: float = 1.0

    def rows(self, index: np.ndarray | slice) -> "Reading":
        """Of the images at these places."""
        known = None if self.probabilities is None else self.probabilities[index]
        return self._replace(values=self.values[index], probabilities=known)

    def distance(self, other: "Reading") -> np.ndarray:
        """From 0, alike, to about 1, as different as can be: total variation, or the difference as a share of the span.

        Shapes of images broadcast: (n,) and (n,) give (n,), (n, 1) and (m,) give (n, m).
        """
        if self.probabilities is None or other.probabilities is None:
            return np.asarray(np.abs(self.values - other.values) / self.span)
        return np.asarray(np.abs(self.probabilities - other.probabilities).sum(axis=-1) / 2)


class Network(nn.Module):
    """Three convolutions with batch norm, the second with stride 2, then what they find, where and whether anywhere.

    The last maps are averaged to 4×4 places, and over all of the picture, of which the largest value is taken too.
    """

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.maps = nn.Sequential(
            *self.block(channels, first, 3, 1),
            *self.block(first, second, 4, 2),
            *self.block(second, third, 3, 1),
        )
        self.places = nn.AdaptiveAvgPool2d(PLACES)
        self.head = nn.Sequential(
            nn.Dropout(0.2),
            nn.Linear(third * (PLACES**2 + 2), FEATURES),
            nn.SiLU(),
            nn.Linear(FEATURES, outputs),
        )

    @staticmethod
    def block(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.SiLU()]

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) in [0, 1] -> (n, outputs): logits of discrete factors, numbers from −1 to 1 of others."""
        maps = self.maps(2 * x - 1)
        found = [self.places(maps).flatten(1), maps.mean((2, 3)), maps.amax((2, 3))]
        read: Tensor = self.head(torch.cat(found, 1))
        return read


class Readers(NamedTuple):
    """The trained network, what each factor can be, and which are read well enough to be used."""

    network: Network
    space: Space
    values: Mapping[str, Values]
    readable: tuple[str, ...] = ()

    @torch.no_grad()
    def __call__(self, levels: np.ndarray) -> dict[str, Reading]:
        """uint8 levels (n, c, h, w) -> what is read, by factor."""
        images = Stored(levels, self.space.to_unit, torch.device("cpu"))
        step = min(AT_ONCE, max(1, AT_ONCE * 32 * 32 // math.prod(self.space.shape[1:])))
        outputs = torch.cat([self.network(images[part]) for part in slices(len(levels), step)]).double()
        found = {}
        for name, columns in heads(self.values).items():
            values, read = self.values[name], outputs[:, columns]
            if is_discrete(values):
                found[name] = Reading(read.argmax(1).numpy(), read.softmax(1).numpy())
            else:
                low, high = (float(end) for end in values)
                found[name] = Reading(((read[:, 0] + 1) / 2 * (high - low) + low).numpy(), span=high - low)
        return found


class WithCard(NamedTuple):
    """Trained readers, and for each factor what the card says of it."""

    readers: Readers
    card: dict[str, Any]


def is_discrete(values: Values) -> bool:
    return isinstance(values[0], str)


def known_factors(data: Prepared) -> dict[str, Values]:
    """What readers of a dataset read; nothing where no factor is known."""
    if data.train.factors is None:
        return {}
    named = data.card.get("factors", {})
    found: dict[str, Values] = {
        name: tuple(values) for name, values in named.items() if isinstance(values, list)
    }
    if found and has_two_domains(data):
        found[DOMAIN] = ("source", "target")
    return found


def has_two_domains(data: Prepared) -> bool:
    """Whether there are images to translate from that a reader of the targets can see, and their factors."""
    part = data.train
    return (
        part.source is not None
        and part.source_factors is not None
        and part.source.shape[1:] == part.x.shape[1:]
    )


def heads(values: Mapping[str, Values]) -> dict[str, slice]:
    """Which outputs of the network belong to which factor."""
    found, start = {}, 0
    for name, each in values.items():
        found[name] = slice(start, start + (len(each) if is_discrete(each) else 1))
        start = found[name].stop
    return found


def truths(data: Prepared, part: Part) -> dict[str, np.ndarray]:
    """The true factors (m,) of a part's images, those of its sources after those of its targets."""
    names = list(data.card["factors"])
    assert part.factors is not None
    known = part.factors
    if has_two_domains(data):
        assert part.source_factors is not None
        known = np.concatenate([known, part.source_factors])
    found = {name: known[:, names.index(name)] for name in known_factors(data) if name != DOMAIN}
    if has_two_domains(data):
        found[DOMAIN] = np.repeat([1.0, 0.0], len(part.x))
    return found


def images(data: Prepared, part: Part) -> np.ndarray:
    """The images (m, c, h, w) that belong to `truths`."""
    return (
        np.concatenate([part.x, part.source]) if has_two_domains(data) and part.source is not None else part.x
    )


def train(data: Prepared, settings: Settings) -> WithCard | None:
    """The readers of a dataset, trained LONGER than a classifier; None where no factor is known."""
    values, space = known_factors(data), space_of(data.card)
    if not values:
        return None
    seed, steps = seed_of(0, data.card["name"], "readers"), LONGER * settings.steps
    torch.manual_seed(seed)
    network = Network(space.shape[0], max(head.stop for head in heads(values).values()))
    x = Stored(images(data, data.train), space.to_unit, torch.device("cpu"))
    y = {
        name: torch.tensor(_as_output(truth, values[name]))
        for name, truth in truths(data, data.train).items()
    }

    def loss(index: Tensor, rng: Generator) -> Tensor:
        return _loss(network(x[index]), {name: truth[index] for name, truth in y.items()}, values)

    fit(
        network,
        loss,
        n=len(x),
        steps=steps,
        batch_size=BATCH_SIZE,
        lr=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        seed=seed,
    )
    readers = Readers(network, space, values)
    card = _card(readers, data)
    readable = tuple(name for name in card if card[name]["readable"])
    return WithCard(readers._replace(readable=readable), card)


def about(readers: Readers) -> dict[str, Any]:
    """What the weights file says of them, to be loaded by."""
    return {
        "values": {name: list(each) for name, each in readers.values.items()},
        "readable": readers.readable,
    }


def load(path: Path, data: Prepared) -> Readers | None:
    """The readers beside the classifiers of a dataset; None where it has none.

    Raises:
        InputError: missing, damaged, or trained on another version of the data.
    """
    tensors, _ = read_weights(path, expected={"kind": "classifier", "data": data.sha256})
    told = json.loads(header(read_bytes(path, what="the extractor"))["about"]).get("readers")
    if told is None:
        return None
    values = {name: tuple(each) for name, each in told["values"].items()}
    network = Network(data.card["shape"][0], max(head.stop for head in heads(values).values()))
    own = {name.removeprefix(PREFIX): each for name, each in tensors.items() if name.startswith(PREFIX)}
    load_state(network.eval(), own, source=str(path))
    return Readers(network, space_of(data.card), values, tuple(told["readable"]))


def r_squared(truth: np.ndarray, read: np.ndarray, resampled: np.ndarray | None = None) -> np.ndarray:
    """1 − Σ(truth − read)² / Σ(truth − mean)², (n,) and (n,) -> (1,); resampled (b, n), how often each counts: (b,)."""
    weights = np.ones((1, len(truth))) if resampled is None else resampled
    total = weights.sum(1)
    mean = weights @ truth / total
    spread = weights @ truth**2 - total * mean**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - weights @ (truth - read) ** 2 / spread)


def _as_output(truth: np.ndarray, values: Values) -> np.ndarray:
    """Classes, or numbers from −1 to 1."""
    if is_discrete(values):
        return truth.astype(np.int64)
    low, high = (float(end) for end in values)
    return (2 * (truth - low) / (high - low) - 1).astype(np.float32)


def _loss(outputs: Tensor, truth: Mapping[str, Tensor], values: Mapping[str, Values]) -> Tensor:
    """Cross-entropy of discrete factors and squared error of the others, whose variance is about a third, in sum."""
    terms = []
    for name, columns in heads(values).items():
        if is_discrete(values[name]):
            terms.append(F.cross_entropy(outputs[:, columns], truth[name]))
        else:
            terms.append(3 * F.mse_loss(outputs[:, columns.start], truth[name]))
    return torch.stack(terms).sum()


def _card(readers: Readers, data: Prepared) -> dict[str, Any]:
    """How well each factor is read off held-out images, sources among them: accuracy or R², with its interval."""
    read, card = readers(images(data, data.held_out)), {}
    for name, truth in truths(data, data.held_out).items():
        discrete = is_discrete(readers.values[name])
        found = _accuracy(truth, read[name]) if discrete else _r_squared(truth, read[name])
        told = {"score": "accuracy" if discrete else "R²", **found.as_dict()}
        card[name] = told | {"readable": bool(found.value >= READABLE)}
    return card


def _accuracy(truth: np.ndarray, read: Reading) -> Estimate:
    return clopper_pearson(int((truth == read.values).sum()), len(truth))


def _r_squared(truth: np.ndarray, read: Reading) -> Estimate:
    """With an interval from whole images drawn again; not a number where the factor does not vary."""
    drawn = resamplings(len(truth), RESAMPLINGS, seed=0)
    replicates = r_squared(truth, read.values, drawn)
    return bootstrap_interval(float(r_squared(truth, read.values)[0]), replicates, len(truth), most=1.0)
