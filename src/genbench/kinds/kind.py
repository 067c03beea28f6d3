"""A kind of data: everything that is asked of it, in five parts, each of which only the stages that use it depend on.

`kinds/<kind>/` holds them for each `kind` of `genbench.core.Space`, and they are found by these names:

    extractor.py    train(data, settings)    what gives the features of a dataset, `genbench.kinds.extractor`
    reference.py    known(data, extractor)   what is the same for every run on a dataset, `genbench.kinds.reference`
    distance.py     DISTANCE                 how far elements are from each other, `genbench.kinds.distance`
    drawing.py      DRAWING                  what elements look like, `genbench.kinds.drawing`
    comparison.py   compare(data, …)         samples against held-out data, `genbench.kinds.comparison`

Nothing here knows a model.  What draws and what measures distance imports no torch, since the stages `import`,
`novelty` and `report` do without.
"""

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Literal, get_args

Card = Mapping[str, Any]
Part = Literal["extractor", "reference", "distance", "drawing", "comparison"]
PARTS: tuple[Part, ...] = get_args(Part)


def part_of(card: Card, part: Part) -> ModuleType:
    """The file of the kind of a prepared dataset, by its card.

    Only the five modules of these names call this: so a stage that imports one of them is known to load that part, and
    no other (`genbench.provenance.fingerprints`).
    """
    return importlib.import_module(f"genbench.kinds.{card['kind']}.{part}")
