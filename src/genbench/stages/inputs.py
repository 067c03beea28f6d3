"""What several stages load: a run's dataset, and what its weights belong to."""

from pathlib import Path
from typing import Any

from genbench.data.prepared import Prepared
from genbench.data.prepared import load as load_data
from genbench.params.schema import External, Run
from genbench.storage.files import InputError


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


def about(run: str, entry: Run, prepared: Prepared) -> dict[str, Any]:
    """What weights belong to: the whole entry and the file of data that they were trained on."""
    return {"run": run, "model": entry.model, "entry": entry.model_dump(mode="json"), "data": prepared.sha256}
