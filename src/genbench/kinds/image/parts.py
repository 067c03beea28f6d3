"""Readers of parts: linear maps from the pixels of one part of an image to its known factors, by ridge regression.

What two parts say of one factor can be compared: in one picture they should agree.  Fitted to the training images.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from genbench.data.prepared import Prepared
from genbench.extractors.readers import DOMAIN, is_discrete, known_factors

PENALTY = 10.0  # of ridge regression, pixels in [−½, ½] and factors of variance 1
LOWER = (3, 4)  # where the lower part begins, as a share of the height


class Linear(NamedTuple):
    """(n, d) -> (n - mean) @ weights + bias."""

    mean: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        found: np.ndarray = (x - self.mean) @ self.weights + self.bias
        return found


class PartReaders(NamedTuple):
    """Readers of the part before `cut` along an axis of (n, c, h, w), and of the part from there on.

    first, second: what the parts are called.  outputs: the columns of each factor; categories have one each.
    """

    axis: int
    cut: int
    first: str
    second: str
    outputs: Mapping[str, slice]
    levels: int
    readers: tuple[Linear, Linear]

    def __call__(self, levels: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray, bool]]:
        """uint8 levels (n, c, h, w) -> by factor what both parts say, (n,) each, and whether these are categories."""
        read = [
            reader(flat(part, self.levels))
            for reader, part in zip(self.readers, np.split(levels, [self.cut], self.axis), strict=True)
        ]
        found = {}
        for name, columns in self.outputs.items():
            one, other = (each[:, columns] for each in read)
            discrete = one.shape[1] > 1
            found[name] = (
                (one.argmax(1), other.argmax(1), True) if discrete else (one[:, 0], other[:, 0], False)
            )
        return found


def part_readers(data: Prepared, kept: Iterator[Linear] | None = None) -> list[PartReaders]:
    """Of left and right, and of what lies above and below `LOWER`; none where no factor is known or varies.

    kept: the maps that were fitted before, in order, which are then not fitted again.
    """
    targets, outputs = known(data)
    height, width = data.train.x.shape[2:]
    cuts = [(3, width // 2, "left", "right"), (2, LOWER[0] * height // LOWER[1], "upper", "lowest part")]
    if not outputs:
        return []
    found = []
    for axis, cut, first, second in cuts:
        halves = np.split(data.train.x, [cut], axis)
        one, other = (
            ridge(flat(part, data.levels), targets) if kept is None else next(kept) for part in halves
        )
        found.append(PartReaders(axis, cut, first, second, outputs, data.levels, (one, other)))
    return found


def known(data: Prepared) -> tuple[np.ndarray, dict[str, slice]]:
    """Factors of the training images that vary, as columns to be predicted (n, k), and which belong to which."""
    columns: list[np.ndarray] = []
    outputs: dict[str, slice] = {}
    start = 0
    for name, values in known_factors(data).items():
        if name == DOMAIN or data.train.factors is None:
            continue
        truth = data.train.factors[:, list(data.card["factors"]).index(name)].astype(np.float64)
        if len(np.unique(truth)) < 2:
            continue
        if is_discrete(values):
            columns.append(np.eye(len(values))[truth.astype(np.int64)])
        else:
            columns.append(((truth - truth.mean()) / truth.std())[:, None])
        outputs[name] = slice(start, start + columns[-1].shape[1])
        start = outputs[name].stop
    return (np.concatenate(columns, 1) if columns else np.empty((0, 0))), outputs


def flat(levels: np.ndarray, most: int) -> np.ndarray:
    """uint8 (n, c, h, w) -> float64 (n, c·h·w) in [−½, ½]."""
    return levels.reshape(len(levels), -1) / (most - 1) - 0.5


def ridge(x: np.ndarray, y: np.ndarray) -> Linear:
    """argmin ‖y − ȳ − (x − x̄) W‖² + PENALTY ‖W‖²: (n, d), (n, k)."""
    mean, bias = x.mean(0), y.mean(0)
    centred = x - mean
    gram = centred.T @ centred + PENALTY * np.eye(x.shape[1])
    return Linear(mean, np.linalg.solve(gram, centred.T @ (y - bias)), bias)
