"""Schematic faces, drawn: every factor of every image is known and can be set.  See docs/faces.md."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from genbench.data.parts.counters import count_eyes
from genbench.data.parts.faces import CONTINUOUS, DISCRETE, FACTORS, TRAITS, Factors, render
from genbench.data.parts.options import check_ranges
from genbench.data.source import Part, Source
from genbench.storage.files import InputError

__all__ = ["FACTORS", "Factors", "count_eyes", "load", "render", "sample_factors", "traits"]

FREE = tuple(name for name in Factors._fields if name != "identity" and name not in TRAITS)


def load(
    *,
    size: int = 32,
    train: int = 5000,
    held_out: int = 1000,
    identities: int = 200,
    label: Literal["hair", "hair_colour", "glasses", "background"] = "hair",
    fixed: tuple[str, ...] = (),
    levels: int = 256,
    seed: int = 0,
) -> Source:
    """Fresh draws for both parts.  Held-out identities are others than train's, with as many images each.

    label: the discrete factor that is the class.  fixed: see `sample_factors`.  Factors are stored with the images.
    levels: of each channel, 2 … 256; the nearest of fewer is what a pixel gets.

    Raises:
        InputError: an option outside what it can be.
    """
    check_options(
        train=train, held_out=held_out, identities=identities, label=label, levels=levels, seed=seed
    )
    others = max(1, round(identities * held_out / train))
    people = range(identities), range(identities, identities + others)
    drawn = [
        sample_factors(n, seed=np.random.default_rng((seed, part)), identities=who, fixed=tuple(fixed))
        for part, (n, who) in enumerate(zip((train, held_out), people, strict=True))
    ]
    parts = [
        Part(
            in_levels(render(each, size=size), levels),
            getattr(each, label),
            np.stack(each, axis=1).astype(np.float32),
        )
        for each in drawn
    ]
    about = {
        "source": "drawn by genbench.data.faces",
        "description": f"schematic faces, {size}×{size} pixels, labelled by {label} ({', '.join(DISCRETE[label])}); "
        f"identities 0 … {identities - 1} in train, {others} others held out"
        + ("" if levels == 256 else f"; {levels} levels a channel"),
        "licence": "CC0 1.0",
        "class_names": list(DISCRETE[label]),
        "counted": {"what": "eyes", "expected": 2},
    }
    return Source(
        train=parts[0],
        held_out=parts[1],
        levels=levels,
        classes=len(DISCRETE[label]),
        about=about,
        factors={name: FACTORS.get(name, "the number of a person") for name in Factors._fields},
    )


def check_options(*, train: int, held_out: int, identities: int, label: str, levels: int, seed: int) -> None:
    """Of drawn faces.

    Raises:
        InputError: one is outside what it can be.
    """
    check_ranges(
        train=(train, 1, None),
        held_out=(held_out, 1, None),
        identities=(identities, 1, train),  # each has an image to train on
        seed=(seed, 0, None),
        levels=(levels, 2, 256),
    )
    if label not in DISCRETE:
        raise InputError(f"label: got {label!r}; expected one of {', '.join(sorted(DISCRETE))}")


def in_levels(x: np.ndarray, levels: int) -> np.ndarray:
    """uint8 0 … 255 -> the nearest of so many levels, 0 … levels − 1; nothing is copied where all 256 stay."""
    table = ((np.arange(256) * (levels - 1) + 127) // 255).astype(np.uint8)
    return x if levels == 256 else table[x]


def traits(identity: np.ndarray) -> dict[str, np.ndarray]:
    """The traits of identities 0, 1, …: any run of them is spread evenly (additive recurrence, Roberts, 2018)."""
    golden, step = 1.1347241384015194, 1.0  # x⁶ = x + 1
    found = {}
    for name, (low, high) in TRAITS.items():
        step /= golden
        found[name] = low + (high - low) * ((0.5 + identity * step) % 1)
    return found


def sample_factors(
    n: int,
    *,
    seed: int | np.random.Generator,
    identities: Sequence[int] = range(200),
    fixed: tuple[str, ...] = (),
) -> Factors:
    """n independent draws, every factor uniform over its values; the traits are those of the identity drawn.

    fixed: more factors that belong to the identity, the same in all its images.

    Raises:
        InputError: `fixed` names something that is no factor or belongs to the identity anyway.
    """
    if unknown := [name for name in fixed if name not in FREE]:
        raise InputError(f"fixed: got {unknown[0]!r}; expected some of {', '.join(sorted(FREE))}")
    rng = np.random.default_rng(seed)
    people = np.asarray(identities)
    who = rng.integers(len(people), size=n)
    found = {"identity": people[who], **traits(people[who])}
    for name in FREE:
        count = len(people) if name in fixed else n
        drawn: np.ndarray
        if name in DISCRETE:
            drawn = rng.integers(len(DISCRETE[name]), size=count)
        else:
            drawn = rng.uniform(*CONTINUOUS[name], size=count)
        found[name] = drawn[who] if name in fixed else drawn
    return Factors(**found)
