"""What several stages load: a run's dataset, its trained model, its samples."""

from pathlib import Path
from typing import Any

import numpy as np

from genbench.data.prepared import Prepared
from genbench.data.prepared import load as load_data
from genbench.params.schema import External, Run
from genbench.storage.files import InputError, read_npz


def dataset_of(run: str, entry: Run | External, path: Path) -> Prepared:
    """The prepared dataset of a run.

    Raises:
        InputError: the file is missing, damaged, or holds another dataset than the entry names.
    """
    prepared = load_data(path)
    if prepared.card["name"] != entry.dataset:
        raise InputError(
            f"{path}: holds dataset {prepared.card['name']!r}; run {run} expects {entry.dataset!r}"
        )
    return prepared


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


def about(run: str, entry: Run, prepared: Prepared) -> dict[str, Any]:
    """What weights belong to: the whole entry and the file of data that they were trained on."""
    return {"run": run, "model": entry.model, "entry": entry.model_dump(mode="json"), "data": prepared.sha256}
