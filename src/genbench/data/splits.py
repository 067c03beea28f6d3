"""How elements are divided: stratified parts, subsets of a source's own split, a split that hides the held-out data."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from genbench.data.source import OPTIONAL, Source
from genbench.storage.arrays import blocks, taken
from genbench.storage.files import InputError


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


def _chosen(part: str, labels: np.ndarray, count: int | None, seed: int) -> np.ndarray | None:
    """Places of so many elements, None for all of them."""
    if count is None or count == len(labels):
        return None
    if not 0 < count < len(labels):
        raise InputError(f"{part}: got {count}; expected between 1 and {len(labels)} images")
    return stratified_split(labels, count, seed=seed)[0]


def hide_held_out(source: Source) -> Source:
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


def shared(train: np.ndarray, held_out: np.ndarray) -> int:
    """How many held-out elements are exact duplicates of a training one."""
    seen = set(_digests(train))
    return sum(digest in seen for digest in _digests(held_out))


def _digests(elements: np.ndarray) -> Iterator[bytes]:
    return (hashlib.sha256(element.tobytes()).digest() for block in blocks(elements) for element in block)
