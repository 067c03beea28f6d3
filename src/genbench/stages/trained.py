"""A run's model with its trained weights."""

from pathlib import Path

import torch

from genbench.core import GenerativeModel, space_of
from genbench.data.prepared import Prepared
from genbench.models.build import build
from genbench.params.schema import Run
from genbench.runtime.machine import seed_of
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


def fresh(run: str, entry: Run, prepared: Prepared) -> GenerativeModel:
    """The model as it starts from its own seed, on the CPU, ready to be asked: a network of random weights."""
    torch.manual_seed(seed_of(entry.seed, run, "fresh"))
    return build(run, entry, space_of(prepared.card)).eval()
