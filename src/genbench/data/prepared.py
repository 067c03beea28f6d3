"""Prepared datasets: one safetensors file each, with its card in the metadata.

A source is one file of `genbench.data.sources` with a function `load(*, options…) -> Source`; its options are the keys
of the dataset's entry in params.yaml.
"""

import hashlib
import importlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from genbench.data.checks import check
from genbench.data.source import Part, Source
from genbench.data.splits import hide_held_out, shared
from genbench.params.schema import Dataset
from genbench.params.signatures import SOURCES, source_kind
from genbench.storage import arrays as large
from genbench.storage.arrays import blocks
from genbench.storage.files import InputError, read_bytes, read_hash, sha256
from genbench.storage.tensors import bytes_of, head, unpacked

# Tensors of the file, in the order in which `content_sha256` goes over them; not every dataset has the latter.
PARTS = ("train", "held_out")
NEEDED = ("train.x", "train.y", "held_out.x", "held_out.y")
OPTIONAL = tuple(
    f"{part}.{field}"
    for field in ("intensity", "factors", "source", "source_y", "source_factors")
    for part in PARTS
)
LEAST = 12  # elements of either part: of each of two folds, more than the 5 neighbours that are looked for
LEAST_SAMPLES = 10  # of what is scored: so many parts give the interval of the classifier score
MOST = 100_000_000  # elements that a part may be asked to have: beyond it, a slip of the keyboard


class Prepared(NamedTuple):
    """A dataset, and the hash of the file it was read from.  Long arrays are mapped and not to be written to."""

    train: Part
    held_out: Part
    card: dict[str, Any]
    sha256: str

    @property
    def levels(self) -> int:
        return int(self.card["levels"])

    @property
    def classes(self) -> int:
        return int(self.card["classes"])

    def halved(self, half: Literal["a", "b"]) -> "Prepared":
        """With one half of the training set, cut in two at random, the same way every time."""
        n = len(self.train.x)
        order = np.random.default_rng(0).permutation(n)
        places = order[: n // 2] if half == "a" else order[n // 2 :]
        return self._replace(train=self.train.take(np.sort(places)))

    def misfit(self, x: np.ndarray | None) -> str | None:
        """Why x cannot be samples of this data, or None: "holds …; expected …"."""
        like = self.train.x
        expected = f"expected {like.dtype.name} (n, {', '.join(map(str, like.shape[1:]))}), n at least {LEAST_SAMPLES}"
        if x is None:
            return f"is missing; {expected}"
        if x.dtype != like.dtype or x.shape[1:] != like.shape[1:] or len(x) < LEAST_SAMPLES:
            return f"holds {x.dtype.name} {x.shape}; {expected}"
        if self.levels and x.max() >= self.levels:
            return f"holds {x.max()}; expected levels below {self.levels}"
        if not np.isfinite(x).all():
            return "holds values that are not finite; expected finite ones"
        return None

    def identity(self, part: Part) -> np.ndarray | None:
        """int64 (n,), the person that each element of a part shows: the factor of that name, if there is one."""
        names = list(self.card.get("factors", ()))
        if part.factors is None or "identity" not in names:
            return None
        return part.factors[:, names.index("identity")].astype(np.int64)

    def asked_labels(self, conditional: str | None) -> np.ndarray | None:
        """int64 (n,), what samples under the held-out data's conditions should show: their labels, or the sources'.

        conditional: see `GenerativeModel`; None, and nothing is asked for.
        """
        return {None: None, "label": self.held_out.y, "source": self.held_out.source_y}[conditional]


def prepare(name: str, entry: Dataset) -> bytes:
    """The bytes of the prepared file of one dataset that fits in memory; see `pieces`."""
    return b"".join(pieces(name, entry))


def pieces(name: str, entry: Dataset) -> Iterator[bytes | memoryview]:
    """The prepared file of one dataset, piece by piece; all that can go wrong does before the first.

    Where the raw files lie (`root`) is left out of the card: the same images give the same bytes on any machine.

    Raises:
        InputError: whatever the source finds wrong, by a ValueError of its own too, a negative seed, counts above MOST,
            fewer than LEAST elements in a part, or what no source may give, see `check`.
    """
    options = dict(entry.model_extra or {})
    if (seed := options.get("seed", 0)) < 0:
        raise InputError(f"seed: got {seed}; expected at least 0")
    for part in PARTS:
        if (options.get(part) or 0) > MOST:
            raise InputError(f"{part}: got {options[part]}; expected at most {MOST}")
    kind = source_kind(entry.source, options)
    try:
        source: Source = importlib.import_module(f"genbench.data.sources.{entry.source}").load(**options)
    except InputError:
        raise
    except (ValueError, ImportError, SyntaxError) as error:
        raise InputError(f"{SOURCES / entry.source}.py: {error}") from error
    check(source, kind)
    if entry.validation:
        source = hide_held_out(source, repeating=kind == "table")
    tensors = _tensors(source)
    content = hashlib.sha256()
    for piece in bytes_of(tensors):
        content.update(piece)
    told = {key: value for key, value in options.items() if key != "root"}
    card = _card(source, name=name, kind=kind, options=told, content_sha256=content.hexdigest())
    # The order of safetensors' own writer, which takes whole arrays alone: the widest numbers first, then by name.
    tensors = {
        part: tensors[part] for part in sorted(tensors, key=lambda part: (-tensors[part].itemsize, part))
    }
    return chain([head(tensors, card)], bytes_of(tensors))


def _tensors(source: Source) -> dict[str, np.ndarray]:
    """What the source gives by its names in the file; all rows of a part belong together."""
    found: dict[str, np.ndarray] = {}
    for tensor in NEEDED + OPTIONAL:
        name, field = tensor.split(".")
        part: Part = getattr(source, name)
        if len(part.x) < LEAST:
            raise InputError(f"{name}: got {len(part.x)} elements; expected at least {LEAST}")
        values: np.ndarray | None = getattr(part, field)
        if values is None:
            continue
        if len(values) != len(part.x):
            raise InputError(
                f"{tensor}: got {len(values)} rows; expected {len(part.x)}, one for each element"
            )
        found[tensor] = np.ascontiguousarray(values)
    return found


def _card(
    source: Source, *, name: str, kind: str, options: dict[str, Any], content_sha256: str
) -> dict[str, Any]:
    """What the file says of itself; the order of the keys is that in the file."""
    parts = {"train": source.train, "held_out": source.held_out}
    card = {
        "name": name,
        **source.about,
        "kind": kind,
        "shape": list(source.train.x.shape[1:]),
        "levels": source.levels,
        "classes": source.classes,
        "counts": {key: len(part.x) for key, part in parts.items()},
        "class_counts": {
            key: np.bincount(part.y, minlength=source.classes).tolist() for key, part in parts.items()
        },
        "held_out_duplicates_of_train": shared(source.train.x, source.held_out.x),
        "options": options,
        "content_sha256": content_sha256,
    }
    if kind == "image":
        card["range"] = _value_range(source.train.x, source.held_out.x)
    if source.factors is not None:
        card["factors"] = source.factors
    if source.train.source is not None:
        card |= {"source_shape": list(source.train.source.shape[1:]), "paired": source.paired}
    return card


def load(path: Path) -> Prepared:
    """A prepared dataset, in memory, or mapped from its file where that is longer than `large.HELD`.

    Raises:
        InputError: the file is missing, truncated, or not a prepared dataset.
    """
    from safetensors import SafetensorError, safe_open

    what = "the prepared dataset"
    if path.is_file() and path.stat().st_size > large.HELD:
        digest, content = read_hash(path, what=what), np.asarray(np.memmap(path, np.uint8, "r"))
    else:  # what is mapped must not be written over in place
        held = read_bytes(path, what=what)
        digest, content = sha256(held), np.frombuffer(bytearray(held), np.uint8)
    try:
        with safe_open(
            path, framework="numpy"
        ):  # checks the header, that nothing overlaps and nothing is missing
            card, arrays = unpacked(content)
        if missing := [tensor for tensor in NEEDED if tensor not in arrays]:
            raise KeyError(missing[0])
    except (SafetensorError, KeyError, ValueError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(
            f"{path}: damaged or not a prepared dataset ({reason}); expected the output of `genbench prepare`"
        ) from error
    train, held_out = (
        Part(**{field: arrays[f"{name}.{field}"] for field in Part._fields if f"{name}.{field}" in arrays})
        for name in PARTS
    )
    return Prepared(train, held_out, card, digest)


def _value_range(*images: np.ndarray) -> list[int]:
    """The smallest and the largest level in several sets of images."""
    ends = [(int(block.min()), int(block.max())) for x in images for block in blocks(x)]
    return [min(low for low, _ in ends), max(high for _, high in ends)]
