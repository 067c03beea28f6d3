"""What is the same for every run on a dataset, by its kind of data: computed once, from the data and its extractor."""

from pathlib import Path
from typing import Protocol

from genbench.data.prepared import Prepared
from genbench.data.reference import Known
from genbench.kinds.kind import Card, part_of


class Refer(Protocol):
    def __call__(self, data: Prepared, extractor: Path) -> Known:
        """extractor: the file of the dataset's.  Its arrays `to_train` are what `Distance.to_train` gives.

        Raises:
            InputError: an extractor that is missing, damaged, or made for another version of the data.
        """


def reference_of(card: Card) -> Refer:
    found: Refer = part_of(card, "reference").known
    return found
