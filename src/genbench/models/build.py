"""The zoo: one system, one file.  The file's path is the model's name in params.yaml; there is no registry."""

import importlib
import inspect
from typing import Any

import torch

from genbench.core import GenerativeModel, Space
from genbench.params.schema import Run
from genbench.params.signatures import class_name_matches
from genbench.storage.files import InputError


def build(run: str, entry: Run, space: Space) -> GenerativeModel:
    """The untrained model of a run, its convolutions with channels last in memory: up to a third faster on a CPU.

    Raises:
        InputError: the model refuses this space or these hyper-parameters.
    """
    module = importlib.import_module(f"genbench.models.{entry.model.replace('/', '.')}")
    classes: list[Any] = [value for value in vars(module).values() if inspect.isclass(value)]
    model = next(cls for cls in classes if class_name_matches(cls.__name__, entry.model))
    try:
        built = model(space, **entry.hyperparameters)
    except ValueError as error:
        raise InputError(f"runs.{run}: {error}") from error
    if not isinstance(built, GenerativeModel):
        raise InputError(f"{module.__file__}: {model.__name__} is no GenerativeModel; expected a subclass")
    return built.to(memory_format=torch.channels_last)
