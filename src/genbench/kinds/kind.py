"""Everything that is asked of a kind of data: how to compare, how to measure distance, how to draw.

`kinds/<kind>/kind.py` holds one instance, KIND, for each `kind` of `genbench.core.Space`; it is found by that name.
Nothing here knows a model, and a file `kind.py` imports no torch: what needs it stands beside it and is imported by the
method that uses it, since the stages `import`, `novelty` and `report` do without.
"""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

from genbench.data.prepared import Prepared
from genbench.drawing.canvas import Key, Picture, side_by_side
from genbench.params.schema import Extractor
from genbench.scoring.estimates import Measurement
from genbench.scoring.resampling import Draws, Scored

if TYPE_CHECKING:
    from torch import Generator

    from genbench.capabilities import Likelihood, ScoreField
    from genbench.core import GenerativeModel

Card = Mapping[str, Any]
Asked = Literal["interpolation", "completion", "own"]
Size = Literal["small", "large"]


class Subject(NamedTuple):
    """What is scored: samples as stored data, and of the model that gave them what a comparison may ask for.

    asked: (m,) the labels that the samples were asked to show, None for a model without conditions.
    model, rng: the model itself, to be asked for what else it offers, and the randomness for that on the model's
    device; None for samples from elsewhere.
    followed: step (m,) and x (m, n, *shape), samples of one noise at moments of the training; empty where there are
    none.
    """

    samples: np.ndarray
    likelihood: "Likelihood | None" = None
    asked: np.ndarray | None = None
    field: "ScoreField | None" = None
    model: "GenerativeModel | None" = None
    rng: "Generator | None" = None
    followed: Mapping[str, np.ndarray] = MappingProxyType({})


class Comparison(NamedTuple):
    """scores: by the names of `genbench.scoring.catalogue`.  facts: what else the record should hold, as JSON.

    measures: by title, beside those that the model takes of itself.
    """

    scores: dict[str, Scored]
    facts: dict[str, Any]
    measures: Mapping[str, Measurement] = MappingProxyType({})


class Kind(ABC):
    """One kind of data.  `card` is that of a prepared dataset; elements are as stored, (n, *shape).

    distance: the distance between two elements, in words.
    pictures: what a model that can is asked to draw besides samples: "interpolation" between codes, "completion" of
        elements whose upper half is kept, and its "own" pictures.
    """

    distance: ClassVar[str]
    pictures: ClassVar[frozenset[Asked]] = frozenset()

    @abstractmethod
    def vectors(self, stored: np.ndarray, card: Card) -> np.ndarray | None:
        """(n, k) float64 whose Euclidean distances are the distances between elements; None if copies mean nothing."""

    def images(self, stored: np.ndarray, card: Card) -> np.ndarray | None:
        """uint8 (n, c, h, w) in 0 … 255, where elements are images, whose copies may be disguised; None by default."""
        return None

    @abstractmethod
    def extractor(self, data: Prepared, settings: Extractor) -> tuple[bytes, dict[str, Any]]:
        """Trains what gives the features of a dataset: the weights file's bytes, and its card."""

    @abstractmethod
    def compare(
        self, data: Prepared, subject: Subject, drawn: Draws, *, extractor: Path, seed: int
    ) -> Comparison:
        """Samples against held-out data."""

    @abstractmethod
    def grid(self, samples: np.ndarray, card: Card) -> Picture:
        """What the first samples look like, or all of them together."""

    @abstractmethod
    def pairs(
        self, samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card
    ) -> Picture:
        """Samples beside their nearest training elements, copies marked."""

    def rows(self, elements: np.ndarray, card: Card) -> Picture:
        """(rows, columns, *shape) -> what a model was asked to draw, row by row; by default a `grid` for each row."""
        return side_by_side([self.grid(row, card) for row in elements], columns=1)

    def moment(self, frame: Mapping[str, np.ndarray], card: Card, *, size: Size) -> Picture:
        """One moment of a training: x, samples (k, *shape), and what else the model showed; by default their `grid`."""
        return self.grid(frame["x"], card)

    def strip(self, samples: np.ndarray, card: Card) -> Picture:
        """What a line of a table has room for: the first samples, or all in a small picture; by default a `moment`."""
        return self.moment({"x": samples}, card, size="small")

    def legend(self, frame: Mapping[str, np.ndarray], card: Card) -> list[Key]:
        """What the colours of `moment` mean; by default there is nothing to explain."""
        return []


def kind_of(card: Card) -> Kind:
    """The kind of a prepared dataset, by its card."""
    kind: Kind = importlib.import_module(f"genbench.kinds.{card['kind']}.kind").KIND
    return kind
