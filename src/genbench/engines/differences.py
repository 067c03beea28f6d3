"""How far two files of results are apart, in numbers."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from genbench.storage.arrays import blocks

Arrays = dict[str, np.ndarray]


def difference(path: Path, one: bytes, other: bytes) -> str:
    """In words, for two contents of one file that differ."""
    reader = READERS.get(path.suffix)
    try:
        first, second = (reader(one), reader(other)) if reader else ({}, {})
    except Exception:  # noqa: BLE001  (a damaged file may raise anything)
        first, second = {}, {}
    if odd := sorted(first.keys() ^ second.keys()):
        return f"{odd[0]!r} is on one side only"
    worst = ("", 0.0, 0)
    for name, a in first.items():
        b = second[name]
        if a.shape != b.shape:
            return f"{name!r} has shape {a.shape} here and {b.shape} rebuilt"
        if a.dtype.kind not in "biuf" or b.dtype.kind not in "biuf":
            continue
        largest, unlike = 0.0, 0
        for one_part, other_part in zip(_parts(a), _parts(b), strict=True):
            apart = np.abs(one_part.astype(np.float64) - other_part.astype(np.float64))
            largest = max(largest, float(np.nanmax(apart, initial=0.0)))
            unlike += int((apart > 0).sum())
        if largest > worst[1]:
            worst = (name, largest, unlike)
    if worst[2]:
        size = first[worst[0]].size
        return f"{worst[0]!r}: {worst[2]:,} of {size:,} values, largest difference {worst[1]:.6g}"
    shorter = min(len(one), len(other))
    changed = np.frombuffer(one[:shorter], np.uint8) != np.frombuffer(other[:shorter], np.uint8)
    position = int(changed.argmax()) if changed.any() else shorter
    return f"no number that can be compared; first at byte {position:,} of {len(one):,}"


def _parts(array: np.ndarray) -> Iterator[np.ndarray]:
    """All values in order, some at a time: as float64 they would take eight times the memory of bytes."""
    return blocks(array.reshape(-1))


def _npz(content: bytes) -> Arrays:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _safetensors(content: bytes) -> Arrays:
    from safetensors.numpy import load

    return load(content)


def _png(content: bytes) -> Arrays:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return {"pixels": np.asarray(image.convert("RGB"))}


def _json(content: bytes) -> Arrays:
    found: Arrays = {}

    def walk(place: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inside in value.items():
                walk(f"{place}.{key}" if place else key, inside)
        elif isinstance(value, list):
            for position, inside in enumerate(value):
                walk(f"{place}[{position}]", inside)
        elif isinstance(value, int | float):
            found[place] = np.array(value, np.float64)

    walk("", json.loads(content))
    return found


def _csv(content: bytes) -> Arrays:
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    found: Arrays = {}
    for name in rows[0] if rows else ():
        try:
            found[name] = np.array([float(row[name] or "nan") for row in rows])
        except ValueError:
            continue
    return found


READERS: dict[str, Callable[[bytes], Arrays]] = {
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".png": _png,
    ".json": _json,
    ".csv": _csv,
}
