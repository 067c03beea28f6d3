"""Pairs made by a model of two domains that was shown none: is the one what the domains' own map makes of the other?"""

import numpy as np
import torch
from torch import Generator, Tensor

from genbench.capabilities import Joint
from genbench.core import space_of
from genbench.data.parts.transforms import transformed
from genbench.data.prepared import Prepared
from genbench.kinds.image.answers import Answers
from genbench.nn.probes import neighbour_labels
from genbench.scoring.estimates import Measurement, mean_interval

PAIRS = 500


@torch.no_grad()
def answers(data: Prepared, model: Joint, *, rng: Generator) -> Answers:
    """Agreement of pixels and of classes; nothing where the card names no map from the targets to the sources."""
    if "translation" not in data.card:
        return Answers({})
    space, map_name = space_of(data.card), data.card["translation"]["transform"]
    x, source = (space.stored(each) for each in model.joint(PAIRS, rng=rng))
    expected = transformed(map_name, x, space.levels)
    others = np.roll(source, 1, axis=0)
    told = f"are bright or dark as the {map_name} of the target are"
    real = transformed(map_name, data.held_out.x, space.levels)
    pixels = {
        "pixel agreement": (
            _alike(expected, source, space.levels),
            f"Share of a source's pixels that {told}.",
        ),
        "pixel agreement, pairs shuffled": (
            _alike(expected, others, space.levels),
            f"The same of the source of another pair, whose pixels {told} by chance.",
        ),
    }
    classes = {
        "class agreement": (
            _class(data, x) == _class_of_source(data, source),
            "Share of pairs whose two images have their 5 nearest training images in the same class.",
        ),
        "class agreement, real pairs": (
            _class(data, data.held_out.x) == _class_of_source(data, real),
            f"The same of held-out targets and their {map_name}: what is left to the neighbours' mistakes.",
        ),
    }
    better = {"pixel agreement", "class agreement"}
    return Answers(
        {
            title: Measurement(
                mean_interval(np.asarray(values, float)), meaning, "up" if title in better else None
            )
            for title, (values, meaning) in {**pixels, **classes}.items()
        }
    )


def _alike(one: np.ndarray, other: np.ndarray, levels: int) -> np.ndarray:
    """The share of pixels in the same half of the range, (n,)."""
    bright, as_bright = (2 * x.astype(np.int64) >= levels for x in (one, other))
    return np.asarray((bright == as_bright).reshape(len(one), -1).mean(1))


def _class(data: Prepared, x: np.ndarray) -> np.ndarray:
    return _neighbours(data.train.x, data.train.y, x)


def _class_of_source(data: Prepared, source: np.ndarray) -> np.ndarray:
    assert data.train.source is not None
    assert data.train.source_y is not None
    return _neighbours(data.train.source, data.train.source_y, source)


def _neighbours(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    def rows(x: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array(x, np.float32)).flatten(1)

    return neighbour_labels(rows(known), torch.from_numpy(np.array(labels, np.int64)), rows(asked)).numpy()
