"""How far held-out data are from the training data: the scale by which novelty judges, the same for every run.

Nothing here knows a score of samples, so that an edit of one leaves what is kept of a dataset as it is.
"""

from collections.abc import Callable

import numpy as np

from genbench.data.pixels import reduced
from genbench.data.prepared import Prepared
from genbench.scoring.arrays import Rows
from genbench.scoring.neighbours import nearest
from genbench.scoring.views import to_train
from genbench.storage.arrays import blocks, concatenated

HELD = 1 << 29  # bytes of vectors that are made at once
SIDE = 64  # images are compared pixel by pixel at no more than this; a shift of 1 is one pixel of this
SHIFT = 1
SEED = 0  # of the rule for copies: one for all runs

Vectors = Callable[[np.ndarray], np.ndarray | None]


def held_out_distances(
    data: Prepared,
    *,
    vectors: Vectors,
    images: Vectors | None = None,
    seed: int = SEED,
    keep_vectors: bool = False,
) -> dict[str, np.ndarray]:
    """Arrays by name, all float64; none where the kind of data has no distance.

    vectors, images: as in `audit.novelty`.  distances: (h,) of vectors to the nearest training element; of images
    (h, 3), view by view, and scales (3,), see `to_train`.  keep_vectors: with train (l, k) and held_out (h, k), the
    vectors themselves, as far as they can be held.
    """
    if vectors(data.held_out.x[:1]) is None:
        return {}
    shown = [None if images is None else images(x) for x in (data.train.x, data.held_out.x)]
    if not any(x is None for x in shown):
        small = [smaller(np.asarray(x)) for x in shown]
        return to_train(small[0], small[1], pixels=SHIFT, seed=seed)._asdict()
    train, held_out = (rows_of(x, vectors) for x in (data.train.x, data.held_out.x))
    found = {"distances": nearest(train, held_out)[0][:, 0]}
    if keep_vectors and isinstance(train, np.ndarray) and isinstance(held_out, np.ndarray):
        found |= {"train": train, "held_out": held_out}
    return found


def rows_of(stored: np.ndarray, vectors: Vectors) -> np.ndarray | Rows:
    """What distances are measured between, at once or, where that would be too long, as it is needed."""
    rows = Rows(stored, vectors)  # type: ignore[arg-type]
    return rows if 8 * len(rows) * rows.shape[1] > HELD else np.asarray(rows)


def smaller(images: np.ndarray) -> np.ndarray:
    """The images as they are compared pixel by pixel, with no side above SIDE."""
    if max(images.shape[2:]) <= SIDE:
        return images
    return concatenated(reduced(block, SIDE) for block in blocks(images))
