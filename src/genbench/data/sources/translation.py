"""Two domains of one set of images: the targets are its images, the sources are what a transform makes of images.

Paired, source i is made of target i.  Unpaired, one half of the images are targets, and the sources are made of the
other half: no image is in both domains, and the order of one says nothing of the other's.
"""

import importlib
from typing import Any, Literal

import numpy as np

from genbench.data.parts.transforms import transformed
from genbench.data.prepared import LEAST
from genbench.data.source import Part, Source
from genbench.data.splits import stratified_split
from genbench.params.signatures import source_kind, source_signature
from genbench.storage.files import InputError

Domains = tuple[np.ndarray, np.ndarray]  # places of a part's elements: the targets, and the i-th's source


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
    if (kind := source_kind(base, {})) != "image":
        raise InputError(f"base: {base!r} gives data of kind {kind!r}; expected images")
    parts = {"train": found.train, "held_out": found.held_out}
    domains = {name: _all(part) if paired else _disjoint(name, part, seed) for name, part in parts.items()}
    train, held_out = (_translated(parts[name], domains[name], transform, found.levels) for name in domains)
    assert train.source is not None
    if train.source.min() == train.source.max():
        raise InputError(
            f"transform: {transform} makes all pixels {train.source.min()} of these {found.levels} levels; "
            "expected one that leaves something to see"
        )
    whose = "each target" if paired else "other images, none of them a target"
    return found._replace(
        train=train,
        held_out=held_out,
        paired=paired,
        about=found.about
        | {
            "description": f"{found.about['description']}; to be made from the {transform} of {whose}",
            "translation": {"base": base, "transform": transform, "paired": paired},
        },
    )


def _translated(part: Part, domains: Domains, transform: str, levels: int) -> Part:
    """The targets of a part, with what the transform makes of its sources to translate from."""
    targets, sources = domains
    seen = transformed(transform, part.x[sources], levels)
    known = None if part.factors is None else part.factors[sources]
    return part.take(targets)._replace(source=seen, source_y=part.y[sources], source_factors=known)


def _all(part: Part) -> Domains:
    every = np.arange(len(part.y))
    return every, every


def _disjoint(name: str, part: Part, seed: int) -> Domains:
    """Places of the images of either domain: equally many, classes alike, and of equal images only one."""
    _, distinct = np.unique(part.x.reshape(len(part.x), -1), axis=0, return_index=True)
    if len(distinct) < 2 * LEAST:
        raise InputError(
            f"{name}: got {len(distinct)} different images; two domains expect at least {2 * LEAST}"
        )
    half = len(distinct) // 2
    first, second = stratified_split(part.y[distinct], half, seed=seed)
    return distinct[first], distinct[second][:half]
