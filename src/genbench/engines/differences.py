"""How far two files of results are apart, in numbers."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

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
        apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
        largest = float(np.nanmax(apart, initial=0.0))
        if largest > worst[1]:
            worst = (name, largest, int((apart > 0).sum()))
    if worst[2]:
        size = first[worst[0]].size
        return f"{worst[0]!r}: {worst[2]:,} of {size:,} values, largest difference {worst[1]:.6g}"
    shorter = min(len(one), len(other))
    unlike = np.frombuffer(one[:shorter], np.uint8) != np.frombuffer(other[:shorter], np.uint8)
    position = int(unlike.argmax()) if unlike.any() else shorter
    return f"no number that can be compared; first at byte {position:,} of {len(one):,}"


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
