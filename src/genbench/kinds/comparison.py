"""Samples of a kind of data against held-out data."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from genbench.data.prepared import Prepared
from genbench.data.reference import Known
from genbench.kinds.kind import Card, part_of
from genbench.scoring.estimates import Measurement
from genbench.scoring.resampling import RESAMPLINGS, Draws, Scored
from genbench.storage.files import InputError

if TYPE_CHECKING:
    from torch import Generator

    from genbench.capabilities import Likelihood, ScoreField
    from genbench.core import GenerativeModel


class Subject(NamedTuple):
    """What is scored: samples as stored data, and of the model that gave them what a comparison may ask for.

    asked: (m,) the labels that the samples were asked to show, None for a model without conditions.
    model, rng: the model itself, to be asked for what else it offers, and the randomness for that on the model's
        device; None for samples from elsewhere.  untrained: one of the same form, with the weights that it starts from.
    followed: step (m,) and x (m, n, *shape), samples of one noise at moments of the training; empty where there are
        none.
    """

    samples: np.ndarray
    likelihood: "Likelihood | None" = None
    asked: np.ndarray | None = None
    field: "ScoreField | None" = None
    model: "GenerativeModel | None" = None
    untrained: "GenerativeModel | None" = None
    rng: "Generator | None" = None
    followed: Mapping[str, np.ndarray] = MappingProxyType({})


class Comparison(NamedTuple):
    """scores: by the names of `genbench.scoring.catalogue`.  facts: what else the record should hold, as JSON.

    measures: by title, beside those that the model takes of itself.
    """

    scores: dict[str, Scored]
    facts: dict[str, Any]
    measures: Mapping[str, Measurement] = MappingProxyType({})


class Compare(Protocol):
    def __call__(
        self,
        data: Prepared,
        subject: Subject,
        drawn: Draws,
        *,
        extractor: Path,
        seed: int,
        known: Known | None = None,
    ) -> Comparison:
        """Samples against held-out data; seed: for what else is drawn.

        known: what the reference of the dataset holds; without it, it is computed.
        """


def united(groups: Iterable[Mapping[str, Scored]]) -> dict[str, Scored]:
    """The scores of several groups.

    Raises:
        InputError: two groups give one name, a value is NaN, or there are not RESAMPLINGS replicates of it.
    """
    found: dict[str, Scored] = {}
    for name, score in (item for group in groups for item in group.items()):
        if name in found:
            raise InputError(f"score {name!r}: given twice; expected a name of its own for each score")
        if math.isnan(score.estimate.value):
            raise InputError(f"score {name!r}: its value is NaN; expected a number, or no such score")
        for field, replicates in (("replicates", score.replicates), ("rest", score.rest)):
            if replicates is not None and np.shape(replicates) != (RESAMPLINGS,):
                raise InputError(
                    f"score {name!r}: {field} of shape {np.shape(replicates)}; expected ({RESAMPLINGS},), "
                    "a value for each resampling"
                )
        found[name] = score
    return found


def comparison_of(card: Card) -> Compare:
    found: Compare = part_of(card, "comparison").compare
    return found
