"""What is the same for every run on a dataset, as one file: arrays, facts, and a card of what it belongs to."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from genbench.data.prepared import Prepared
from genbench.storage.files import InputError, read_bytes
from genbench.storage.tensors import bytes_of, head, unpacked

KIND = "reference"
EXPECTED = "expected the output of `genbench reference`"


class Named(dict[str, np.ndarray]):
    """Arrays by name.  Raises InputError for one that is not there: the file is of another version of the code."""

    def __init__(self, arrays: Mapping[str, np.ndarray], where: str) -> None:
        super().__init__(arrays)
        self.where = where

    def __missing__(self, name: str) -> np.ndarray:
        raise InputError(f"{self.where}: has no {name!r}; {EXPECTED} by the code as it is: run it again")


class Known(NamedTuple):
    """arrays: of float32 or float64, by names of two parts, `of.what`.  facts: as JSON, not a number allowed.

    where: the file, for messages.
    """

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any] = MappingProxyType({})
    where: str = "the reference"

    def of(self, part: str) -> Named:
        """The arrays of one part, by their second names; empty where it has none."""
        own = {
            name.removeprefix(f"{part}."): array
            for name, array in self.arrays.items()
            if name.startswith(f"{part}.")
        }
        return Named(own, self.where)


def pieces(known: Known, data: Prepared, extractor: str) -> Iterator[bytes | memoryview]:
    """The file, piece by piece.  extractor: the sha256 of the dataset's extractor."""
    card = {
        "kind": KIND,
        "name": data.card["name"],
        "data": data.sha256,
        "extractor": extractor,
        "facts": dict(known.facts),
    }
    widest_first = sorted(known.arrays, key=lambda name: (-known.arrays[name].itemsize, name))
    arrays = {name: np.ascontiguousarray(known.arrays[name]) for name in widest_first}
    return chain([head(arrays, card)], bytes_of(arrays))


def load(path: Path, data: Prepared, extractor: str | None = None) -> Known:
    """What is known of a dataset.  extractor: the sha256 of its extractor, where the caller has it at hand.

    Raises:
        InputError: the file is missing, truncated, none of these, or belongs to other data or to another extractor.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as checked

    content = read_bytes(path, what="the reference of the dataset")
    try:
        checked(content)
        card, arrays = unpacked(np.frombuffer(content, np.uint8))
        if card["kind"] != KIND:
            raise KeyError(KIND)
        told = {key: card[key] for key in ("name", "data", "extractor", "facts")}
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path}: damaged or no reference of a dataset ({reason}); {EXPECTED}") from error
    if told["name"] != data.card["name"]:
        raise InputError(
            f"{path}: belongs to dataset {told['name']!r}; expected that of {data.card['name']!r}"
        )
    for key, what, expected in (
        ("data", "version of the data", data.sha256),
        ("extractor", "extractor", extractor),
    ):
        if expected is not None and told[key] != expected:
            raise InputError(
                f"{path}: was made with another {what} than is there; {EXPECTED} with that one: run it again"
            )
    return Known(arrays, told["facts"], str(path))
