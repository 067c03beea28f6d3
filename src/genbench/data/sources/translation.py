"""Two domains of one set of images: the targets are its images, the sources are what a transform makes of images.

Paired, source i is made of target i.  Unpaired, one half of the images are targets, and the sources are made of the
other half: no image is in both domains, and the order of one says nothing of the other's.
"""

import importlib
from typing import Any, Literal

import numpy as np

from genbench.data.parts.transforms import transformed
from genbench.data.prepared import LEAST
from genbench.data.source import Source
from genbench.data.splits import stratified_split
from genbench.params.schema import source_signature
from genbench.storage.files import InputError


def load(
    *,
    base: str = "digits",
    transform: Literal["edges", "grey", "negative", "night", "outline"] = "edges",
    paired: bool = True,
    seed: int = 0,
    **options: Any,
) -> Source:
    """Images of the source `base` as targets, images through `transform` (see `parts/transforms`) as sources.

    seed: of the base, if it draws anything, and of who goes into which domain.  All other options are those of the
    base; counts are the base's, of which an unpaired domain has half.

    Raises:
        InputError: a transform that is unknown or leaves nothing, a base that gives no images or too few for two
            domains, or what the base raises.
    """
    if "seed" in source_signature(base, base):
        options["seed"] = seed
    found: Source = importlib.import_module(f"genbench.data.sources.{base}").load(**options)
    if found.kind != "image":
        raise InputError(f"base: {base!r} gives data of kind {found.kind!r}; expected images")
    parts = [("train", found.train_x, found.train_y), ("held_out", found.held_out_x, found.held_out_y)]
    if paired:
        targets = sources = [np.arange(len(y)) for _, _, y in parts]
    else:
        domains = [_disjoint(name, x, y, seed) for name, x, y in parts]
        targets, sources = ([domain[k] for domain in domains] for k in range(2))
    seen = [transformed(transform, x[at], found.levels) for (_, x, _), at in zip(parts, sources, strict=True)]
    if seen[0].min() == seen[0].max():
        raise InputError(
            f"transform: {transform} makes all pixels {seen[0].min()} of these {found.levels} levels; "
            "expected one that leaves something to see"
        )
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
