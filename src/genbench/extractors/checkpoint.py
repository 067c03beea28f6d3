"""Published weights: from a file the user has, or downloaded once and checked by hash."""

import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from genbench.storage.downloads import download
from genbench.storage.files import InputError, read_bytes, sha256, write_all


class Published(NamedTuple):
    """Where weights are published: address, file name, hash, bytes."""

    url: str
    file: str
    sha256: str
    size: int


def find(published: Published, path: Path | None, *, name: str) -> tuple[bytes, str]:
    """The content of a weights file and where it came from: `path`, or a cached copy, or a fresh download.

    The cache is $GENBENCH_CACHE, else ~/.cache/genbench; torch's own cache is looked at too.  A file given by the
    user may be any conversion of the weights; whatever comes without `path` must have the published hash.

    Raises:
        InputError: neither is to be had, or the hash differs.
    """
    if path is not None:
        return read_bytes(path, what="the weights"), str(path)
    own = Path(os.environ.get("GENBENCH_CACHE") or Path.home() / ".cache/genbench")
    for place in (own, Path(torch.hub.get_dir()) / "checkpoints"):
        cached = place / published.file
        if cached.is_file():
            content = read_bytes(cached, what="the weights")
            if sha256(content) == published.sha256:
                return content, str(cached)
    try:
        content, url = download([published.url], published.sha256)
    except InputError as error:
        raise InputError(
            f"{name}: no weights here and none to be had ({error}); expected the published file "
            f"({published.size / 1e6:.0f} MB, sha256 {published.sha256[:8]}…), or another as --weights FILE"
        ) from error
    write_all(own, {published.file: content})
    return content, url


def tensors(content: bytes, *, source: str) -> dict[str, Tensor]:
    """The state dict in a .safetensors or .pth file, in float32; nothing in the file is executed.

    Raises:
        InputError: damaged, or anything but a dict of tensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    zipped_or_pickled = content[:2] in (b"PK", b"\x80\x02")
    try:
        state = (
            torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            if zipped_or_pickled
            else load(content)
        )
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0][:120]
        raise InputError(
            f"{source}: damaged, or no .pth or .safetensors file of tensors ({reason})"
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{source}: holds {type(state).__name__}; expected a state dict of tensors")
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def fill(model: nn.Module, state: Mapping[str, Tensor], *, source: str) -> nn.Module:
    """Put the tensors into a model built on the meta device; counters of batch normalisation may be missing.

    Raises:
        InputError: names or shapes differ.
    """
    counter = ".num_batches_tracked"
    own = {key: value for key, value in model.state_dict().items() if not key.endswith(counter)}
    given = {key: value for key, value in state.items() if not key.endswith(counter)}
    odd = sorted(own.keys() ^ given.keys())
    if odd:
        where = "is missing" if odd[0] in own else "is unknown"
        raise InputError(
            f"{source}: tensor {odd[0]!r} {where} ({len(odd)} such); expected the published tensors"
        )
    for key, value in own.items():
        if value.shape != given[key].shape:
            raise InputError(
                f"{source}: tensor {key!r} has shape {tuple(given[key].shape)}; expected {tuple(value.shape)}"
            )
    counters = {key: torch.tensor(0) for key in model.state_dict() if key.endswith(counter)}
    model.load_state_dict({**given, **counters}, assign=True)
    return model.eval().requires_grad_(False)
