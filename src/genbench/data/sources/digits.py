"""Optical recognition of handwritten digits (Alpaydin & Kaynak, 1998), as bundled with scikit-learn.

1,797 real images of 8×8 pixels with 17 grey levels: each pixel counts the ink in a 4×4 block of a 32×32 scan.
"""

import numpy as np

from genbench.data.source import Part, Source
from genbench.data.splits import stratified_split
from genbench.storage.files import InputError

LEVELS = 17


def load(*, train: int = 1000, threshold: int | None = None, seed: int = 0) -> Source:
    """A stratified split of `train` images for training, the rest held out.

    threshold: levels of this and above become 1, the others 0; None keeps the 17 grey levels.

    Raises:
        InputError: a threshold outside 1 … 16, or a split that leaves nothing.
    """
    from sklearn.datasets import load_digits

    if threshold is not None and not 1 <= threshold < LEVELS:
        raise InputError(f"threshold: got {threshold}; expected a grey level from 1 to {LEVELS - 1}")
    bundled = load_digits()
    images = bundled.images.astype(np.uint8)[:, None]  # (n, 1, 8, 8)
    labels = bundled.target.astype(np.int64)
    if threshold is not None:
        images = (images >= threshold).astype(np.uint8)
    first, second = stratified_split(labels, train, seed=seed)
    about = {
        "source": "scikit-learn, load_digits (UCI ML repository, test part)",
        "description": "handwritten digits of 13 people, 8×8 pixels"
        + ("" if threshold is None else f", binarised at level {threshold} of {LEVELS - 1}"),
        "licence": "CC BY 4.0",
        "class_names": [str(digit) for digit in range(10)],
    }
    levels = LEVELS if threshold is None else 2
    train_part, held_out = (Part(images[at], labels[at]) for at in (first, second))
    return Source(train_part, held_out, levels, 10, about)
