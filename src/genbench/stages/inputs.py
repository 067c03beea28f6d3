"""What several stages load: a run's dataset, and what its weights belong to."""

from pathlib import Path
from typing import Any

from genbench.data.prepared import Prepared
from genbench.data.prepared import load as load_data
from genbench.params.schema import External, Run
from genbench.runtime.machine import seed_of
from genbench.storage.files import InputError


def dataset_of(run: str, entry: Run | External, path: Path) -> Prepared:
    """The prepared dataset of a run, with the half of the training set that it has.

    Raises:
        InputError: the file is missing, damaged, or holds another dataset than the entry names.
    """
    prepared = load_data(path)
    if prepared.card["name"] != entry.dataset:
        raise InputError(
            f"{path}: holds dataset {prepared.card['name']!r}; run {run} expects {entry.dataset!r}"
        )
    if isinstance(entry, Run) and entry.half is not None:
        return prepared.halved(entry.half)
    return prepared


def sampling_seed(run: str, entry: Run) -> int:
    """Of the noise that samples are made from: the same for the two halves of a training set."""
    whose = run if entry.half is None else f"{entry.dataset}-{entry.model}"
    return seed_of(entry.seed, whose, "sample")


def about(run: str, entry: Run, prepared: Prepared) -> dict[str, Any]:
    """What weights belong to: the whole entry and the file of data that they were trained on."""
    return {"run": run, "model": entry.model, "entry": entry.model_dump(mode="json"), "data": prepared.sha256}
