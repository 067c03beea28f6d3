"""The safetensors format: its header, and files whose arrays may be larger than memory."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from genbench.storage.arrays import blocks, raw_bytes

DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype(np.float64),
    "I64": np.dtype(np.int64),
    "F32": np.dtype(np.float32),
    "I16": np.dtype(np.int16),
    "U8": np.dtype(np.uint8),
}


def head(tensors: Mapping[str, np.ndarray], card: Mapping[str, Any]) -> bytes:
    """What a safetensors file of these arrays, in this order, begins with."""
    entries: dict[str, Any] = {"__metadata__": {"card": json.dumps(card)}}
    names, start = {kind: name for name, kind in DTYPES.items()}, 0
    for part, array in tensors.items():
        offsets = [start, start := start + array.nbytes]
        entries[part] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": offsets}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def unpacked(content: np.ndarray) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The card and the arrays of a safetensors file that is known to be whole, from its bytes; nothing is copied."""
    start = 8 + int.from_bytes(content[:8].tobytes(), "little")
    entries = json.loads(content[8:start].tobytes())
    card = json.loads(entries.pop("__metadata__", {})["card"])
    arrays = {}
    for part, entry in entries.items():
        first, last = (start + offset for offset in entry["data_offsets"])
        arrays[part] = content[first:last].view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return card, arrays


def bytes_of(tensors: Mapping[str, np.ndarray]) -> Iterator[memoryview]:
    return (raw_bytes(block) for array in tensors.values() for block in blocks(array))


def header(content: bytes) -> dict[str, str]:
    """The metadata of a safetensors file: its first eight bytes give the length of a JSON header."""
    length = int.from_bytes(content[:8], "little")
    return dict(json.loads(content[8 : 8 + length]).get("__metadata__", {}))
