"""What a source of data gives: two parts, and what they are."""

from typing import Any, NamedTuple

import numpy as np

from genbench.storage.arrays import take_rows


class Part(NamedTuple):
    """n elements with what belongs to each, row by row.

    x: (n, *shape).  Images are uint8 levels (n, c, h, w), tables uint8 categories (n, variables), points float32 (n, d)
    in [0, 1], meshes int16 tokens (n, length), padded with −1.
    y: int64 (n,), the elements' labels.
    factors: float32 (n, k), what each element was made from, where that is known.
    source: uint8 levels (n, c', h, w), images to translate from, where there are any, and source_y, int64 (n,), their
    labels.  source_factors: float32 (n, k), their factors, where those of the elements are known.
    intensity: uint8 like x, where training steps draw binary elements afresh, with P(1) = level / 255.
    """

    x: np.ndarray
    y: np.ndarray
    factors: np.ndarray | None = None
    source: np.ndarray | None = None
    source_y: np.ndarray | None = None
    intensity: np.ndarray | None = None
    source_factors: np.ndarray | None = None

    def take(self, index: np.ndarray) -> "Part":
        """The elements at these places, in this order, with all that belongs to them; of any length."""
        rows = {
            field: take_rows(values, index) for field, values in self._asdict().items() if values is not None
        }
        return Part(**rows)


class Source(NamedTuple):
    """What a source gives, split by itself.

    levels: grey levels or categories per value; 0 for points and meshes.
    classes: number of labels, 0 where y says nothing.
    about: facts for the card: source, description, licence, and what else there is to say.
    factors: the name of each column of the parts' factors with its values, which are the names of 0, 1, …, or the
    lowest and the highest.  A column `identity` numbers the person that an element shows.
    paired: whether the i-th image to translate from belongs to the i-th element.
    """

    train: Part
    held_out: Part
    levels: int
    classes: int
    about: dict[str, Any]
    factors: dict[str, Any] | None = None
    paired: bool = False
