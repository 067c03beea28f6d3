"""What elements of a kind of data look like."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from genbench.drawing.canvas import Key, Picture, side_by_side
from genbench.kinds.kind import Card, part_of

Asked = Literal["interpolation", "traversal", "completion", "own"]
Size = Literal["small", "large"]


class Drawing(ABC):
    """`card` is that of a prepared dataset; elements are as stored, (n, *shape).

    pictures: what a model that can is asked to draw besides samples: "interpolation" between codes, the "traversal" of
        one, "completion" of elements whose upper half is kept, and its "own" pictures.
    """

    pictures: ClassVar[frozenset[Asked]] = frozenset()

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


def drawing_of(card: Card) -> Drawing:
    found: Drawing = part_of(card, "drawing").DRAWING
    return found
