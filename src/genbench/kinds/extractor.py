"""What gives the features of a dataset, by its kind of data."""

from typing import Any, Protocol

from genbench.data.prepared import Prepared
from genbench.kinds.kind import Card, part_of
from genbench.params.schema import Extractor


class Train(Protocol):
    def __call__(self, data: Prepared, settings: Extractor) -> tuple[bytes, dict[str, Any]]:
        """The bytes of the file of weights, and its card."""


def extractor_of(card: Card) -> Train:
    found: Train = part_of(card, "extractor").train
    return found
