"""A run's model with its trained weights."""

from pathlib import Path

from genbench.core import GenerativeModel, space_of
from genbench.data.prepared import Prepared
from genbench.models.build import build
from genbench.params.schema import Run
from genbench.stages.inputs import about
from genbench.storage.weights import load_state, read_weights


def trained(run: str, entry: Run, prepared: Prepared, folder: Path) -> GenerativeModel:
    """The model in `folder`, on the CPU, ready to be asked.

    Raises:
        InputError: the weights are missing, damaged, or belong to another entry or to other data.
    """
    path = folder / "model.safetensors"
    tensors, _ = read_weights(path, expected=about(run, entry, prepared))
    model = build(run, entry, space_of(prepared.card))
    load_state(model, tensors, source=str(path))
    return model.eval()
