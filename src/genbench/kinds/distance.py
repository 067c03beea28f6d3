"""How far elements of a kind of data are from each other: when a sample counts as a copy."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from genbench.kinds.kind import Card, part_of


class Distance(ABC):
    """`card` is that of a prepared dataset; elements are as stored, (n, *shape).

    words: the distance between two elements, in words.
    """

    words: ClassVar[str]

    @abstractmethod
    def vectors(self, stored: np.ndarray, card: Card) -> np.ndarray | None:
        """(n, k) float64 whose Euclidean distances are the distances between elements; None if copies mean nothing."""

    def images(self, stored: np.ndarray, card: Card) -> np.ndarray | None:
        """uint8 (n, c, h, w) in 0 … 255, where elements are images, whose copies may be disguised; None by default."""
        return None


def distance_of(card: Card) -> Distance:
    found: Distance = part_of(card, "distance").DISTANCE
    return found
