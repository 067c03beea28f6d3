"""Binary MNIST, each pixel 1 with probability level / 255, in two flavours.

Static (Salakhutdinov & Murray, 2008, "On the quantitative analysis of deep belief networks"): drawn once, and every
model sees the same draw.  It is not the draw that Larochelle published as files: likelihoods compare with those in the
literature in size, not to the last decimals.

Dynamic (Burda, Grosse & Salakhutdinov, 2015, arXiv:1509.00519): training images are drawn afresh whenever a step sees
them, which is more data, and gives better likelihoods.  The held-out images are those of the static flavour.
"""

from typing import Literal

import numpy as np

from genbench.data.parts import idx
from genbench.data.parts.raw import raw_folder
from genbench.data.source import Source
from genbench.data.splits import subset
from genbench.storage.files import InputError

LEVELS = 256


def load(
    *,
    root: str = "data/raw/mnist",
    train: int | None = None,
    held_out: int | None = None,
    threshold: int | None = None,
    binarisation: Literal["static", "dynamic"] = "static",
    seed: int = 0,
) -> Source:
    """MNIST in two levels, with the options of `mnist`; the whole set is binarised, then a part is chosen.

    threshold: levels of this and above become 1, the others 0, in place of a draw.
    binarisation: static or dynamic; dynamic adds the intensities of the training images.
    seed: of the draw and of the choice.

    Raises:
        InputError: see `mnist.load`, a threshold outside 1 … 255, or an unknown binarisation.
    """
    if binarisation not in ("static", "dynamic"):
        raise InputError(f"binarisation: got {binarisation!r}; expected static or dynamic")
    if binarisation == "dynamic" and threshold is not None:
        raise InputError(f"threshold: got {threshold} with binarisation: dynamic; expected one of them")
    if threshold is not None and not 1 <= threshold < LEVELS:
        raise InputError(f"threshold: got {threshold}; expected a grey level from 1 to {LEVELS - 1}")
    grey = idx.load(idx.MNIST, raw_folder(root))
    rng = np.random.default_rng(seed)
    bits, held_bits = (
        part._replace(x=_binary(part.x, threshold, rng)) for part in (grey.train, grey.held_out)
    )
    drawn = f"static: drawn once, P(1) = level / {LEVELS - 1}, seed {seed}"
    if binarisation == "dynamic":
        drawn = f"dynamic: training steps draw afresh, P(1) = level / {LEVELS - 1}; all else sees the {drawn}"
    about = grey.about | {
        "description": f"{grey.about['description']}, binarised",
        "binarisation": drawn
        if threshold is None
        else f"threshold: 1 from level {threshold} of {LEVELS - 1}",
    }
    if binarisation == "dynamic":
        bits = bits._replace(intensity=grey.train.x)
    binary = grey._replace(train=bits, held_out=held_bits, levels=2, about=about)
    return subset(binary, train=train, held_out=held_out, seed=seed)


def _binary(x: np.ndarray, threshold: int | None, rng: np.random.Generator) -> np.ndarray:
    """uint8 levels -> uint8 0 and 1.  A uniform number of 0 … 254 is below x with probability x/255 exactly."""
    below = rng.integers(0, LEVELS - 1, x.shape, dtype=np.uint8) if threshold is None else threshold - 1
    return (x > below).astype(np.uint8)
