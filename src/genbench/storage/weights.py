"""A model's weights on disk: safetensors, with what they belong to in the metadata."""

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from genbench.storage.files import InputError, read_bytes, sha256
from genbench.storage.tensors import header


def weights_bytes(model: nn.Module, about: Mapping[str, object]) -> bytes:
    """All parameters and buffers; the same model gives the same bytes."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    return save(tensors, metadata={"about": json.dumps(dict(about))})


def read_weights(path: Path, *, expected: Mapping[str, object]) -> tuple[dict[str, Tensor], str]:
    """The tensors of a weights file and the file's hash.

    Raises:
        InputError: the file is missing, truncated, or says it belongs to something else than `expected`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    content = read_bytes(path, what="the weights")
    try:
        tensors = load(content)
        about = json.loads(header(content)["about"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path}: damaged or not a weights file ({error}); train this run again") from error
    for key, value in expected.items():
        if about.get(key) != value:
            raise InputError(
                f"{path}: these weights belong to {key} {about.get(key)!r}; expected {value!r}; train this run again"
            )
    return tensors, sha256(content)


def load_state(model: nn.Module, state: Mapping[str, Tensor], *, source: str = "the weights") -> None:
    """load_state_dict, strict, that also fills buffers whose first dimension grows with the data.

    Such a buffer is registered with no rows; the rows in `state` become its rows, in their own type of number.

    Raises:
        InputError: names or shapes differ.
    """
    own = model.state_dict()
    if own.keys() != state.keys():
        odd = sorted(own.keys() ^ state.keys())[0]
        raise InputError(
            f"{source}: tensor {odd!r} is on one side only; expected exactly the model's own tensors"
        )
    for name, tensor in state.items():
        grows = own[name].shape[:1] == (0,) and own[name].shape[1:] == tensor.shape[1:]
        if grows:
            owner, _, attribute = name.rpartition(".")
            setattr(model.get_submodule(owner), attribute, tensor.to(own[name].device))
        elif own[name].shape != tensor.shape:
            raise InputError(
                f"{source}: tensor {name!r} has shape {tuple(tensor.shape)}; expected {tuple(own[name].shape)}"
            )
    model.load_state_dict(dict(state))
