"""Things that can be counted in a picture, which a card names by `counted`: {what, a key of COUNTERS; expected}."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

SPOT_LEVEL, SPOT_MASS = 26, 0.2  # of an iris: levels of blue above green, their sum per pixel of the picture
OBJECT_LEVEL, OBJECT_PIXELS = 128, 3  # of an object: levels of its pixels, and how many there are at least
BY_SIDES = np.array([[False, True, False], [True, True, True], [False, True, False]])


class Irises(NamedTuple):
    """spots: (n, h, w), the number of a pixel's spot, or 0.  numbers, owner: (k,) of irises, and whose they are."""

    spots: np.ndarray
    numbers: np.ndarray
    owner: np.ndarray


def irises(images: np.ndarray) -> Irises:
    """Spots of the iris's blue that are large enough, in uint8 (n, 3, h, w)."""
    bluer = images[:, 2].astype(np.int64) - images[:, 1]
    spots, owner = _labelled(bluer > SPOT_LEVEL, np.ones((3, 3), bool))
    mass = np.bincount(spots.ravel(), weights=bluer.ravel(), minlength=len(owner))
    large = mass >= SPOT_MASS * images.shape[2] * images.shape[3]
    large[0] = False  # what is no spot
    return Irises(spots, np.flatnonzero(large), owner[large])


def count_eyes(images: np.ndarray) -> np.ndarray:
    """How many eyes each picture shows, (n,): spots of the iris's blue that are large enough.

    images: uint8 (n, 3, h, w) of at least 16 pixels, faces of `sources.faces` or samples of a model of them.
    """
    return np.bincount(irises(images).owner, minlength=len(images))


def eye_colours(images: np.ndarray) -> np.ndarray:
    """Mean levels of both irises of each picture that has exactly two: (m, 2, 3), m ≤ n."""
    spots, numbers, owner = irises(images)
    in_pairs = np.bincount(owner, minlength=len(images))[owner] == 2
    size = np.bincount(spots.ravel())
    colours = np.stack([np.bincount(spots.ravel(), images[:, c].ravel()) / size for c in range(3)], 1)
    order = np.argsort(owner[in_pairs], kind="stable")
    found: np.ndarray = colours[numbers[in_pairs][order]].reshape(-1, 2, 3)
    return found


def count_objects(images: np.ndarray) -> np.ndarray:
    """How many bright things each picture shows, (n,): pixels above half of the range that touch by their sides.

    images: uint8 (n, c, h, w), of `genbench.data.sources.counting` or samples of a model of them.
    """
    things, owner = _labelled(images.max(axis=1) >= OBJECT_LEVEL, BY_SIDES)
    pixels = np.bincount(things.ravel(), minlength=len(owner))
    large = pixels >= OBJECT_PIXELS
    return np.bincount(owner[1:][large[1:]], minlength=len(images))


def _labelled(shown: np.ndarray, touching: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What hangs together in each picture, bool (n, h, w): the number of a pixel's thing, (n, h, w), 0 where none is.

    touching: bool (3, 3), which pixels around one belong to it.  And of each number whose picture shows it, (k + 1,).
    """
    from scipy import ndimage

    within_an_image = np.zeros((3, 3, 3), bool)
    within_an_image[1] = touching
    things, count = ndimage.label(shown, structure=within_an_image)
    owner = np.zeros(count + 1, np.int64)
    owner[things] = np.arange(len(shown))[:, None, None]
    return things, owner


COUNTERS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {"eyes": count_eyes, "objects": count_objects}
# Of things that come in pairs, the colours of both: (n, 3, h, w) -> (m, 2, 3).
COLOURS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {"eyes": eye_colours}
