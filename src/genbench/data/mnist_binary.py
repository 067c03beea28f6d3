"""Static binary MNIST (Salakhutdinov & Murray, 2008): each pixel drawn once, 1 with probability level / 255.

Every model sees the same draw.  It is not the draw that Larochelle published as files: likelihoods compare with those
in the literature in size, not to the last decimals.
"""

from pathlib import Path

import numpy as np

from genbench.data import Source, subset, value_range
from genbench.data.parts import idx
from genbench.files import InputError

LEVELS = 256


def load(
    *,
    root: str = "data/raw/mnist",
    train: int | None = None,
    held_out: int | None = None,
    threshold: int | None = None,
    seed: int = 0,
) -> Source:
    """MNIST in two levels, with the options of `mnist`; the whole set is binarised, then a part is chosen.

    threshold: levels of this and above become 1, the others 0, in place of a draw.
    seed: of the draw and of the choice.

    Raises:
        InputError: see `mnist.load`, or a threshold outside 1 … 255.
    """
    if threshold is not None and not 1 <= threshold < LEVELS:
        raise InputError(f"threshold: got {threshold}; expected a grey level from 1 to {LEVELS - 1}")
    grey = idx.load(idx.MNIST, Path(root))
    rng = np.random.default_rng(seed)
    train_x, held_out_x = (_binary(x, threshold, rng) for x in (grey.train_x, grey.held_out_x))
    drawn = f"static: drawn once, P(1) = level / {LEVELS - 1}, seed {seed}"
    about = grey.about | {
        "description": f"{grey.about['description']}, binarised",
        "binarisation": drawn
        if threshold is None
        else f"threshold: 1 from level {threshold} of {LEVELS - 1}",
        "range": value_range(train_x, held_out_x),
    }
    bits = grey._replace(train_x=train_x, held_out_x=held_out_x, levels=2, about=about)
    return subset(bits, train=train, held_out=held_out, seed=seed)


def _binary(x: np.ndarray, threshold: int | None, rng: np.random.Generator) -> np.ndarray:
    """uint8 levels -> uint8 0 and 1.  A uniform number of 0 … 254 is below x with probability x/255 exactly."""
    below = rng.integers(0, LEVELS - 1, x.shape, dtype=np.uint8) if threshold is None else threshold - 1
    return (x > below).astype(np.uint8)
