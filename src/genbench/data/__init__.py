"""Prepared datasets: one safetensors file each, with its card in the metadata.

A source is one file of this folder with a function `load(*, options…) -> Source`; its options are the keys of the
dataset's entry in params.yaml.
"""

import hashlib
import importlib
import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from genbench import large
from genbench.files import InputError, read_bytes, read_hash, sha256
from genbench.large import blocks, plain_bytes, taken
from genbench.params import Dataset

if TYPE_CHECKING:
    from genbench.core import Space

PARTS = ("train.x", "train.y", "held_out.x", "held_out.y")
LEAST = 10  # elements of either part: folds, quantiles and a classifier need some
MOST = 100_000_000  # elements that a part may be asked to have: beyond it, a slip of the keyboard
# Arrays that not every dataset has, by their names in the file; each but the first exists for both parts or for none.
OPTIONAL = {
    "train.intensity": "train_intensity",
    "train.factors": "train_factors",
    "held_out.factors": "held_out_factors",
    "train.source": "train_source",
    "held_out.source": "held_out_source",
    "train.source_y": "train_source_y",
    "held_out.source_y": "held_out_source_y",
}
DTYPES: dict[str, np.dtype[Any]] = {
    "I64": np.dtype(np.int64),
    "F32": np.dtype(np.float32),
    "I16": np.dtype(np.int16),
    "U8": np.dtype(np.uint8),
}


class Source(NamedTuple):
    """What a source gives: elements (n, *shape), labels (n,), split by itself.

    kind: a file of `genbench.kinds`.  Images are uint8 levels (n, c, h, w), tables uint8 categories (n, variables),
    points float32 (n, d) in [0, 1], meshes int16 tokens (n, length), padded with −1; the last two have 0 levels.
    about: facts for the card: source, description, licence, and what else there is to say.
    Where it is known what each image was made from: its factors, float32 (n, k), and in `factors` the name of each
    column with its values, which are the names of 0, 1, …, or the lowest and the highest.
    Where there are images to translate from: `train_source` and `held_out_source`, uint8 levels (n, c', h, w), and
    their labels; `paired` where the i-th belongs to the i-th element.
    Where training steps draw binary elements afresh: `train_intensity`, uint8 like `train_x`, P(1) = level / 255.
    """

    train_x: np.ndarray
    train_y: np.ndarray
    held_out_x: np.ndarray
    held_out_y: np.ndarray
    levels: int
    classes: int
    about: dict[str, Any]
    train_factors: np.ndarray | None = None
    held_out_factors: np.ndarray | None = None
    factors: dict[str, Any] | None = None
    kind: str = "image"
    train_source: np.ndarray | None = None
    held_out_source: np.ndarray | None = None
    train_source_y: np.ndarray | None = None
    held_out_source_y: np.ndarray | None = None
    paired: bool = False
    train_intensity: np.ndarray | None = None


class Prepared(NamedTuple):
    """A dataset, and the hash of the file it was read from.  Long arrays are mapped and not to be written to."""

    train_x: np.ndarray  # (n, *shape), as `Source` says
    train_y: np.ndarray  # int64 (n,)
    held_out_x: np.ndarray
    held_out_y: np.ndarray
    card: dict[str, Any]
    sha256: str
    train_factors: np.ndarray | None = None  # float32 (n, k), columns in the order of card["factors"]
    held_out_factors: np.ndarray | None = None
    train_source: np.ndarray | None = None  # uint8 (n, c', h, w)
    held_out_source: np.ndarray | None = None
    train_source_y: np.ndarray | None = None  # int64 (n,)
    held_out_source_y: np.ndarray | None = None
    train_intensity: np.ndarray | None = None  # uint8, as train_x

    @property
    def levels(self) -> int:
        return int(self.card["levels"])

    @property
    def classes(self) -> int:
        return int(self.card["classes"])

    @property
    def space(self) -> "Space":
        from genbench.core import Space  # imports torch, which not every stage needs

        card = self.card
        source, paired = tuple(card.get("source_shape", ())), bool(card.get("paired"))
        return Space(card["kind"], tuple(card["shape"]), self.levels, self.classes, source, paired)

    def misfit(self, x: np.ndarray | None) -> str | None:
        """Why x cannot be samples of this data, or None: "holds …; expected …"."""
        like = self.train_x
        expected = f"expected {like.dtype.name} (n, {', '.join(map(str, like.shape[1:]))}), n at least 2"
        if x is None:
            return f"is missing; {expected}"
        if x.dtype != like.dtype or x.shape[1:] != like.shape[1:] or len(x) < 2:
            return f"holds {x.dtype.name} {x.shape}; {expected}"
        if self.levels and x.max() >= self.levels:
            return f"holds {x.max()}; expected levels below {self.levels}"
        if not np.isfinite(x).all():
            return "holds values that are not finite; expected finite ones"
        return None

    @property
    def asked_labels(self) -> np.ndarray:
        """What samples made under the held-out conditions should show: the sources' labels, or the elements' own."""
        return self.held_out_y if self.held_out_source_y is None else self.held_out_source_y


def prepare(name: str, entry: Dataset) -> bytes:
    """The bytes of the prepared file of one dataset that fits in memory; see `pieces`."""
    return b"".join(pieces(name, entry))


def pieces(name: str, entry: Dataset) -> Iterator[bytes | memoryview]:
    """The prepared file of one dataset, piece by piece; all that can go wrong does before the first.

    Where the raw files lie (`root`) is left out of the card: the same images give the same bytes on any machine.

    Raises:
        InputError: whatever the source finds wrong, a negative seed, counts above MOST, or fewer than LEAST elements in
            a part.
    """
    options = dict(entry.model_extra or {})
    if (seed := options.get("seed", 0)) < 0:
        raise InputError(f"seed: got {seed}; expected at least 0")
    for part in ("train", "held_out"):
        if (options.get(part) or 0) > MOST:
            raise InputError(f"{part}: got {options[part]}; expected at most {MOST}")
    source: Source = importlib.import_module(f"genbench.data.{entry.source}").load(**options)
    if entry.validation:
        source = _hide_held_out(source)
    for part, labels in (("train", source.train_y), ("held_out", source.held_out_y)):
        if len(labels) < LEAST:
            raise InputError(f"{part}: got {len(labels)} elements; expected at least {LEAST}")
    arrays = (source.train_x, source.train_y, source.held_out_x, source.held_out_y)
    tensors = {part: np.ascontiguousarray(array) for part, array in zip(PARTS, arrays, strict=True)}
    for part, field in OPTIONAL.items():
        if (values := getattr(source, field)) is not None:
            tensors[part] = np.ascontiguousarray(values)
    content = hashlib.sha256()
    for piece in _bytes_of(tensors):
        content.update(piece)
    card = {
        "name": name,
        **source.about,
        "kind": source.kind,
        "shape": list(source.train_x.shape[1:]),
        "levels": source.levels,
        "classes": source.classes,
        "counts": {"train": len(source.train_x), "held_out": len(source.held_out_x)},
        "class_counts": {
            part: np.bincount(labels, minlength=source.classes).tolist()
            for part, labels in (("train", source.train_y), ("held_out", source.held_out_y))
        },
        "held_out_duplicates_of_train": _shared(source.train_x, source.held_out_x),
        "options": {key: value for key, value in options.items() if key != "root"},
        "content_sha256": content.hexdigest(),
    }
    if source.kind == "image":
        card["range"] = _value_range(source.train_x, source.held_out_x)
    if source.factors is not None:
        card["factors"] = source.factors
    if source.train_source is not None:
        card |= {"source_shape": list(source.train_source.shape[1:]), "paired": source.paired}
    # The order of safetensors' own writer, which takes whole arrays alone: the widest numbers first, then by name.
    tensors = {
        part: tensors[part] for part in sorted(tensors, key=lambda part: (-tensors[part].itemsize, part))
    }
    return chain([_head(tensors, card)], _bytes_of(tensors))


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
            card, arrays = _unpacked(content)
        parts = [arrays[part] for part in PARTS]
    except (SafetensorError, KeyError, ValueError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(
            f"{path}: damaged or not a prepared dataset ({reason}); expected the output of `genbench prepare`"
        ) from error
    train_x, train_y, held_out_x, held_out_y = parts
    others = {field: arrays.get(part) for part, field in OPTIONAL.items()}
    return Prepared(train_x, train_y, held_out_x, held_out_y, card, digest, **others)


def _head(tensors: Mapping[str, np.ndarray], card: Mapping[str, Any]) -> bytes:
    """What a safetensors file of these arrays, in this order, begins with."""
    entries: dict[str, Any] = {"__metadata__": {"card": json.dumps(card)}}
    names, start = {kind: name for name, kind in DTYPES.items()}, 0
    for part, array in tensors.items():
        offsets = [start, start := start + array.nbytes]
        entries[part] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": offsets}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _unpacked(content: np.ndarray) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The card and the arrays of a safetensors file that is known to be whole, from its bytes; nothing is copied."""
    start = 8 + int.from_bytes(content[:8].tobytes(), "little")
    entries = json.loads(content[8:start].tobytes())
    card = json.loads(entries.pop("__metadata__", {})["card"])
    arrays = {}
    for part, entry in entries.items():
        first, last = (start + offset for offset in entry["data_offsets"])
        arrays[part] = content[first:last].view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return card, arrays


def _bytes_of(tensors: Mapping[str, np.ndarray]) -> Iterator[memoryview]:
    return (plain_bytes(block) for array in tensors.values() for block in blocks(array))


def header(content: bytes) -> dict[str, str]:
    """The metadata of a safetensors file: its first eight bytes give the length of a JSON header."""
    length = int.from_bytes(content[:8], "little")
    return dict(json.loads(content[8 : 8 + length]).get("__metadata__", {}))


def stratified_split(labels: np.ndarray, first: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of two parts, `first` of them in the first, classes in proportion, each part in random order.

    Raises:
        InputError: fewer than one element would be left for either part.
    """
    if not 0 < first < len(labels):
        raise InputError(
            f"train: got {first}; expected between 1 and {len(labels) - 1} of {len(labels)} images"
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    # Each image's rank within its class, as a fraction of the class: the `first` smallest are a stratified part.
    rank = np.empty(len(labels))
    for label in np.unique(labels):
        members = order[labels[order] == label]
        rank[members] = (np.arange(len(members)) + rng.uniform()) / len(members)
    by_rank = np.argsort(rank, kind="stable")
    return rng.permutation(by_rank[:first]), rng.permutation(by_rank[first:])


def subset(source: Source, *, train: int | None, held_out: int | None, seed: int) -> Source:
    """So many images of each part of a source's own split, stratified; None leaves a part whole and in its order.

    Raises:
        InputError: fewer than one image, or more than there are.
    """
    train_at = _chosen("train", source.train_y, train, seed)
    held_out_at = _chosen("held_out", source.held_out_y, held_out, seed)
    if train_at is not None:
        parts = {"train_x": taken(source.train_x, train_at), "train_y": source.train_y[train_at]}
        if source.train_intensity is not None:
            parts["train_intensity"] = taken(source.train_intensity, train_at)
        source = source._replace(**parts)  # type: ignore[arg-type]
    if held_out_at is not None:
        parts = {
            "held_out_x": taken(source.held_out_x, held_out_at),
            "held_out_y": source.held_out_y[held_out_at],
        }
        source = source._replace(**parts)
    return source


def raw_folder(root: str) -> Path:
    """Where raw files lie; `~` is the home folder.

    Raises:
        InputError: a home folder that is not known, or something else than a folder.
    """
    try:
        path = Path(root).expanduser()
    except RuntimeError as error:
        raise InputError(f"root: {root}: no such home folder; expected a folder") from error
    if path.exists() and not path.is_dir():
        raise InputError(f"root: {root} is no folder; expected the folder of the files")
    return path


def _value_range(*images: np.ndarray) -> list[int]:
    """The smallest and the largest level in several sets of images."""
    ends = [(int(block.min()), int(block.max())) for x in images for block in blocks(x)]
    return [min(low for low, _ in ends), max(high for _, high in ends)]


def _chosen(part: str, labels: np.ndarray, count: int | None, seed: int) -> np.ndarray | None:
    """Places of so many elements, None for all of them."""
    if count is None or count == len(labels):
        return None
    if not 0 < count < len(labels):
        raise InputError(f"{part}: got {count}; expected between 1 and {len(labels)} images")
    return stratified_split(labels, count, seed=seed)[0]


def _hide_held_out(source: Source) -> Source:
    """For tuning: four fifths of train stand for train and one fifth for held-out; the held-out data is dropped.

    Equal elements stay on one side, but for tables, whose rows repeat in any case.
    """
    count = len(source.train_y)
    firsts, group = (np.arange(count),) * 2 if source.kind == "table" else _groups(source.train_x)
    parts_of_firsts = stratified_split(source.train_y[firsts], len(firsts) * 4 // 5, seed=1)
    fit, validate = (_members(group, part) for part in parts_of_firsts)
    fields = ["train_x", "train_y", *(field for field in OPTIONAL.values() if field.startswith("train"))]
    parts: dict[str, Any] = {}
    for field in fields:
        if (values := getattr(source, field)) is not None:
            parts[field] = taken(values, fit)
            if (other := field.replace("train", "held_out")) in Source._fields:
                parts[other] = taken(values, validate)
    return source._replace(**parts)


def _groups(elements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each different element comes first, and for every element which of those it equals."""
    seen: dict[bytes, int] = {}
    group = np.array([seen.setdefault(digest, len(seen)) for digest in _digests(elements)], np.int64)
    return np.unique(group, return_index=True)[1], group


def _members(group: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Places of all elements of the chosen groups, in the order of these."""
    rank = np.full(group.max() + 1, -1)
    rank[chosen] = np.arange(len(chosen))
    places = np.flatnonzero(rank[group] >= 0)
    return places[np.argsort(rank[group[places]], kind="stable")]


def _shared(train: np.ndarray, held_out: np.ndarray) -> int:
    """How many held-out elements are exact duplicates of a training one."""
    seen = set(_digests(train))
    return sum(digest in seen for digest in _digests(held_out))


def _digests(elements: np.ndarray) -> Iterator[bytes]:
    return (hashlib.sha256(element.tobytes()).digest() for block in blocks(elements) for element in block)
