"""The samples of a run, as its folder holds them."""

from pathlib import Path

import numpy as np

from genbench.data.prepared import Prepared
from genbench.storage.files import InputError, read_npz


def samples_in(folder: Path, prepared: Prepared) -> np.ndarray:
    """The samples in a run's folder, (n, *shape), stored as the dataset's elements are.

    Raises:
        InputError: the file is missing or damaged, or its array `x` is none of the dataset's.
    """
    path = folder / "samples.npz"
    arrays = read_npz(path, what="the samples")
    problem = prepared.misfit(arrays.get("x"))
    if problem:
        raise InputError(f"{path}: array 'x' {problem}")
    return arrays["x"]
