"""Two domains of one set of images: the targets are its images, the sources are what a transform makes of images.

Paired, source i is made of target i.  Unpaired, one half of the images are targets, and the sources are made of the
other half: no image is in both domains, and the order of one says nothing of the other's.
"""

import importlib
from typing import Any

import numpy as np

from genbench.data import LEAST, Source, stratified_split
from genbench.data.parts.transforms import transformed
from genbench.files import InputError
from genbench.params import source_names, source_signature


def load(
    *,
    base: str = "digits",
    transform: str = "edges",
    paired: bool = True,
    train: int | None = None,
    held_out: int | None = None,
    size: int | None = None,
    threshold: int | None = None,
    identities: int | None = None,
    label: str | None = None,
    root: str | None = None,
    seed: int = 0,
) -> Source:
    """Images of the source `base` as targets, images through `transform` (see `parts/transforms`) as sources.

    train, held_out, size, threshold, identities, label, root: options of the base, where it has them; counts are those
    of the base, of which an unpaired domain has half.  seed: of the base, and of who goes into which domain.

    Raises:
        InputError: an unknown base, transform or option of the base, or too few images for two domains.
    """
    given = {"train": train, "held_out": held_out, "size": size, "threshold": threshold, "root": root}
    given |= {"identities": identities, "label": label}
    found = _base(base, {key: value for key, value in given.items() if value is not None} | {"seed": seed})
    parts = [("train", found.train_x, found.train_y), ("held_out", found.held_out_x, found.held_out_y)]
    if paired:
        targets = sources = [np.arange(len(y)) for _, _, y in parts]
    else:
        domains = [_disjoint(name, x, y, seed) for name, x, y in parts]
        targets, sources = ([domain[k] for domain in domains] for k in range(2))
    seen = [transformed(transform, x[at], found.levels) for (_, x, _), at in zip(parts, sources, strict=True)]
    factors = (found.train_factors, found.held_out_factors)
    whose = "each target" if paired else "other images, none of them a target"
    return found._replace(
        train_x=found.train_x[targets[0]],
        train_y=found.train_y[targets[0]],
        held_out_x=found.held_out_x[targets[1]],
        held_out_y=found.held_out_y[targets[1]],
        train_factors=None if factors[0] is None else factors[0][targets[0]],
        held_out_factors=None if factors[1] is None else factors[1][targets[1]],
        train_source=seen[0],
        train_source_y=found.train_y[sources[0]],
        held_out_source=seen[1],
        held_out_source_y=found.held_out_y[sources[1]],
        paired=paired,
        about=found.about
        | {
            "description": f"{found.about['description']}; to be made from the {transform} of {whose}",
            "translation": {"base": base, "transform": transform, "paired": paired},
        },
    )


def _base(name: str, options: dict[str, Any]) -> Source:
    """The source that the domains are made of; `seed` is left out where it draws nothing."""
    bases = [source for source in source_names() if source != "translation"]
    if name not in bases:
        raise InputError(f"base: got {name!r}; expected one of {', '.join(bases)}")
    takes = source_signature(name, name)
    for option in options:
        if option not in takes and option != "seed":
            raise InputError(f"{option}: no option of the base {name!r}; expected some of {', '.join(takes)}")
    for option, parameter in takes.items():
        if parameter.default is ... and option not in options:
            raise InputError(f"{option}: missing; the base {name!r} requires it")
    found: Source = importlib.import_module(f"genbench.data.{name}").load(
        **{option: value for option, value in options.items() if option in takes}
    )
    if found.kind != "image":
        raise InputError(f"base: {name!r} gives data of kind {found.kind!r}; expected images")
    return found


def _disjoint(part: str, x: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the images of either domain: equally many, classes alike, and of equal images only one."""
    _, distinct = np.unique(x.reshape(len(x), -1), axis=0, return_index=True)
    if len(distinct) < 2 * LEAST:
        raise InputError(
            f"{part}: got {len(distinct)} different images; two domains expect at least {2 * LEAST}"
        )
    half = len(distinct) // 2
    first, second = stratified_split(y[distinct], half, seed=seed)
    return distinct[first], distinct[second][:half]
