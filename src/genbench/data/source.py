"""What a source of data gives."""

from typing import Any, NamedTuple

import numpy as np

OPTIONAL = {
    "train.intensity": "train_intensity",
    "train.factors": "train_factors",
    "held_out.factors": "held_out_factors",
    "train.source": "train_source",
    "held_out.source": "held_out_source",
    "train.source_y": "train_source_y",
    "held_out.source_y": "held_out_source_y",
}


class Source(NamedTuple):
    """What a source gives: elements (n, *shape), labels (n,), split by itself.

    kind: a file of `genbench.kinds`.  Images are uint8 levels (n, c, h, w), tables uint8 categories (n, variables),
    points float32 (n, d) in [0, 1], meshes int16 tokens (n, length), padded with −1; the last two have 0 levels.
    about: facts for the card: source, description, licence, and what else there is to say.
    Where it is known what each image was made from: its factors, float32 (n, k), and in `factors` the name of each
    column with its values, which are the names of 0, 1, …, or the lowest and the highest.
    Where there are images to translate from: `train_source` and `held_out_source`, uint8 levels (n, c', h, w), and
    their labels; `paired` where the i-th belongs to the i-th element.
    Where training steps draw binary elements afresh: `train_intensity`, uint8 like `train_x`, P(1) = level / 255.
    """

    train_x: np.ndarray
    train_y: np.ndarray
    held_out_x: np.ndarray
    held_out_y: np.ndarray
    levels: int
    classes: int
    about: dict[str, Any]
    train_factors: np.ndarray | None = None
    held_out_factors: np.ndarray | None = None
    factors: dict[str, Any] | None = None
    kind: str = "image"
    train_source: np.ndarray | None = None
    held_out_source: np.ndarray | None = None
    train_source_y: np.ndarray | None = None
    held_out_source_y: np.ndarray | None = None
    paired: bool = False
    train_intensity: np.ndarray | None = None
