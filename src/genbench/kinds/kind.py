"""What the stages must know of each kind of data: how to compare, how to measure distance, how to draw.

One file for each `kind` of `genbench.core.Space`, found by its name.  Nothing here knows a model.
"""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np

if TYPE_CHECKING:
    from genbench.capabilities import Likelihood
    from genbench.data.prepared import Prepared
    from genbench.params.schema import Extractor
    from genbench.scoring.evaluation import Draws, Scored

Card = Mapping[str, Any]


class Subject(NamedTuple):
    """What is scored: samples as stored data, and of the model that gave them what a comparison may ask for.

    asked: (m,) the labels that the samples were asked to show, None for a model without conditions.
    """

    samples: np.ndarray
    likelihood: "Likelihood | None" = None
    asked: np.ndarray | None = None


class Comparison(NamedTuple):
    """scores: by the names of `genbench.report.scores`.  facts: what else the record should hold, as JSON.

    measures: title -> value, low, high, n, meaning and better, beside those that the model takes of itself.
    """

    scores: "dict[str, Scored]"
    facts: dict[str, Any]
    measures: Mapping[str, dict[str, Any]] = MappingProxyType({})


class Kind(Protocol):
    """DISTANCE: the distance between two elements, in words."""

    DISTANCE: str

    def vectors(self, stored: np.ndarray, card: Card) -> np.ndarray | None:
        """(n, k) float64 whose Euclidean distances are the distances between elements; None if copies mean nothing."""

    def extractor(self, data: "Prepared", settings: "Extractor") -> tuple[bytes, dict[str, Any]]:
        """Trains what gives the features of a dataset: the weights file's bytes, and its card."""

    def compare(
        self, data: "Prepared", subject: Subject, drawn: "Draws", *, extractor: Path, seed: int
    ) -> Comparison:
        """Samples against held-out data."""

    def grid(self, samples: np.ndarray, card: Card) -> np.ndarray:
        """RGB (h, w, 3): what the first samples look like, or all of them together."""

    def pairs(
        self, samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], card: Card
    ) -> np.ndarray:
        """RGB (h, w, 3): samples beside their nearest training elements, copies marked."""


def kind_of(card: Card) -> Kind:
    """The kind of a prepared dataset, by its card."""
    return cast(Kind, importlib.import_module(f"genbench.kinds.{card['kind']}.kind"))
