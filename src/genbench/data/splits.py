"""How elements are divided: stratified parts, subsets of a source's own split, a split that hides the held-out data."""

import hashlib
from collections.abc import Iterator

import numpy as np

from genbench.data.source import Part, Source
from genbench.storage.arrays import blocks
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
    return source._replace(
        train=_chosen("train", source.train, train, seed),
        held_out=_chosen("held_out", source.held_out, held_out, seed),
    )


def _chosen(name: str, part: Part, count: int | None, seed: int) -> Part:
    if count is None or count == len(part.y):
        return part
    if not 0 < count < len(part.y):
        raise InputError(f"{name}: got {count}; expected between 1 and {len(part.y)} images")
    return part.take(stratified_split(part.y, count, seed=seed)[0])


def hide_held_out(source: Source) -> Source:
    """For tuning: four fifths of train stand for train and one fifth for held-out; the held-out data is dropped.

    Equal elements stay on one side, but for tables, whose rows repeat in any case.
    """
    part, count = source.train, len(source.train.y)
    firsts, group = (np.arange(count),) * 2 if source.kind == "table" else _groups(part.x)
    fit, validate = (
        part.take(_members(group, chosen))
        for chosen in stratified_split(part.y[firsts], len(firsts) * 4 // 5, seed=1)
    )
    return source._replace(
        train=fit, held_out=validate._replace(intensity=None)
    )  # only training draws afresh


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
