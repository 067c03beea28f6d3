"""Two domains of drawn faces, whose every factor is known in both.  See docs/faces.md."""

from typing import Literal

import numpy as np

from genbench.data.parts.faces import (
    CONTINUOUS,
    DAY,
    DISCRETE,
    FACTORS,
    NIGHT,
    TRAITS,
    Factors,
    Scene,
    render,
)
from genbench.data.source import Part, Source
from genbench.data.sources.faces import check_options, in_levels, sample_factors
from genbench.storage.files import InputError

DESCRIPTIONS = {
    "day_night": "faces by night, to be made from other faces by day",
    "two_people": "faces of one person, to be made from faces of another",
    "same_person": "faces, each with another picture of the same person as its source",
}
SOURCES, TARGETS = 0, 1  # the two people, by number


def load(
    *,
    domains: Literal["day_night", "two_people", "same_person"],
    size: int = 32,
    train: int = 5000,
    held_out: int = 1000,
    identities: int = 200,
    label: Literal["hair", "hair_colour", "glasses", "background"] = "hair",
    fixed: tuple[str, ...] = ("hair", "hair_colour", "skin"),
    levels: int = 256,
    seed: int = 0,
) -> Source:
    """So many images in each domain of either part; every image is a fresh draw.

    domains: "day_night": sources by day, targets by night, unpaired.  "two_people": sources show one person, targets
    another who differs in all that is `fixed`, unpaired, and the same two are held out.  "same_person": source and
    target are two pictures of one person, paired.
    identities: people in train, save for "two_people"; held-out people are others, with as many images each.
    label, fixed, levels: as of `faces`; what is fixed belongs to the person.

    Raises:
        InputError: an option outside what it can be.
    """
    check_options(
        train=train, held_out=held_out, identities=identities, label=label, levels=levels, seed=seed
    )
    if domains == "two_people" and label in fixed:
        free = ", ".join(name for name in sorted(DISCRETE) if name not in fixed)
        raise InputError(f"label: got {label!r}, which each of two people has once; expected one of {free}")
    counts = {"train": train, "held_out": held_out}
    parts = {
        name: _part(
            *_drawn(domains, n, (seed, part), _people(domains, part, identities, counts), tuple(fixed)),
            scenes=(DAY, NIGHT if domains == "day_night" else DAY),
            label=label,
            size=size,
            levels=levels,
        )
        for part, (name, n) in enumerate(counts.items())
    }
    return Source(
        **parts,
        levels=levels,
        classes=len(DISCRETE[label]),
        about={
            "source": "drawn by genbench.data.faces",
            "description": f"{DESCRIPTIONS[domains]}, {size}×{size} pixels, labelled by {label} "
            f"({', '.join(DISCRETE[label])})" + ("" if levels == 256 else f"; {levels} levels a channel"),
            "licence": "CC0 1.0",
            "class_names": list(DISCRETE[label]),
            "domains": domains,
        },
        factors={name: FACTORS.get(name, "the number of a person") for name in Factors._fields},
        paired=domains == "same_person",
    )


def _people(domains: str, part: int, identities: int, counts: dict[str, int]) -> range:
    """Who is seen in a part."""
    if domains == "two_people":
        return range(2)
    others = max(1, round(identities * counts["held_out"] / counts["train"]))
    return (range(identities), range(identities, identities + others))[part]


def _drawn(
    domains: str, n: int, seed: tuple[int, int], people: range, fixed: tuple[str, ...]
) -> tuple[Factors, Factors]:
    """The factors of n sources and of n targets."""
    if domains == "two_people":
        sources, targets = (
            sample_factors(n, seed=np.random.default_rng((*seed, who)), identities=[who], fixed=fixed)
            for who in (SOURCES, TARGETS)
        )
        own = {name: np.repeat(values[:, None], n, axis=1) for name, values in _apart(fixed, seed[0]).items()}
        sources = sources._replace(**{name: values[SOURCES] for name, values in own.items()})
        return sources, targets._replace(**{name: values[TARGETS] for name, values in own.items()})
    both = sample_factors(2 * n, seed=np.random.default_rng(seed), identities=people, fixed=fixed)
    sources, targets = (Factors(*(values[rows] for values in both)) for rows in (slice(n), slice(n, None)))
    if domains == "same_person":
        same = {name: getattr(sources, name) for name in ("identity", *TRAITS, *fixed)}
        targets = targets._replace(**same)
    return sources, targets


def _apart(fixed: tuple[str, ...], seed: int) -> dict[str, np.ndarray]:
    """What belongs to each of two people, (2,): two values that differ, of continuous factors from the outer thirds."""
    rng = np.random.default_rng((seed, 2))
    found: dict[str, np.ndarray] = {}
    for name in fixed:
        if name in DISCRETE:
            found[name] = rng.permutation(len(DISCRETE[name]))[:2]
        else:
            (low, high), ends = CONTINUOUS[name], rng.permutation(2)
            found[name] = low + (high - low) * (2 * ends + rng.uniform(size=2)) / 3
    return found


def _part(
    sources: Factors, targets: Factors, *, scenes: tuple[Scene, Scene], label: str, size: int, levels: int
) -> Part:
    """The targets with their sources, drawn in their scenes."""
    x, seen = (
        in_levels(render(each, size=size, scene=scene), levels)
        for each, scene in zip((targets, sources), scenes[::-1], strict=True)
    )
    known, of_sources = (np.stack(each, axis=1).astype(np.float32) for each in (targets, sources))
    return Part(
        x,
        getattr(targets, label),
        known,
        source=seen,
        source_y=getattr(sources, label),
        source_factors=of_sources,
    )
