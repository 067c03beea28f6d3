"""How far elements of a kind of data are from each other: when a sample counts as a copy."""

from abc import ABC, abstractmethod
from functools import partial
from typing import ClassVar

import numpy as np

from genbench.data.prepared import Prepared
from genbench.kinds.kind import Card, part_of
from genbench.scoring.held_out import held_out_distances

TO_TRAIN = "to_train"  # the part of the reference of a dataset that novelty reads


class Distance(ABC):
    """`card` is that of a prepared dataset; elements are as stored, (n, *shape).

    words: the distance between two elements, in words.  slow: whether vectors take longer to make than to read.
    """

    words: ClassVar[str]
    slow: ClassVar[bool] = False

    @abstractmethod
    def vectors(self, stored: np.ndarray, card: Card) -> np.ndarray | None:
        """(n, k) float64 whose Euclidean distances are the distances between elements; None if copies mean nothing."""

    def images(self, stored: np.ndarray, card: Card) -> np.ndarray | None:
        """uint8 (n, c, h, w) in 0 … 255, where elements are images, whose copies may be disguised; None by default."""
        return None

    def of_dataset(self, data: Prepared) -> dict[str, np.ndarray]:
        """What novelty asks of a dataset alone, see `held_out_distances`, by its names in a reference."""
        vectors, images = (partial(of, card=data.card) for of in (self.vectors, self.images))
        found = held_out_distances(data, vectors=vectors, images=images, keep_vectors=self.slow)
        return {f"{TO_TRAIN}.{name}": array for name, array in found.items()}


def distance_of(card: Card) -> Distance:
    found: Distance = part_of(card, "distance").DISTANCE
    return found
