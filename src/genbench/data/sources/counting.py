"""Pictures of exactly so many objects: does a model learn to count? (Zhao et al., 2018, arXiv:1811.03259, section 4.1.)

Discs, squares or diamonds of one picture are alike in shape, which is its class, and differ in size and place.  They
keep apart, so that they can be counted; every draw with two of them too close is drawn anew, as a whole.
"""

import numpy as np

from genbench.data.parts.options import check_ranges
from genbench.data.source import Part, Source
from genbench.data.sources.faces import in_levels
from genbench.storage.files import InputError

SHAPES = ("disc", "square", "diamond")
EXTENT = np.array([1.0, 0.9, 1.25])  # half the width of a shape of radius 1
RADII, GAP = (1.4, 2.0), 1.5  # in pixels
PER_OBJECT = 60  # pixels of the picture that each object needs for draws to succeed
ROUNDS = 3000


def load(
    *,
    size: int = 16,
    objects: int = 4,
    train: int = 1500,
    held_out: int = 500,
    levels: int = 8,
    seed: int = 0,
) -> Source:
    """One channel, dark; `objects` bright things in each picture.

    Raises:
        InputError: an option outside what it can be, or more objects than the picture has room for.
    """
    check_ranges(
        size=(size, 12, 64),
        objects=(objects, 1, size**2 // PER_OBJECT),
        train=(train, 1, 10**6),
        held_out=(held_out, 1, 10**6),
        levels=(levels, 2, 256),
        seed=(seed, 0, 2**32 - 1),
    )
    parts = []
    for part, n in enumerate((train, held_out)):
        shape, radius, centre = drawn(n, objects, size, np.random.default_rng((seed, part)))
        parts.append(Part(in_levels(render(shape, radius, centre, size), levels), shape))
    about = {
        "source": "drawn by genbench",
        "description": f"{objects} bright objects in every picture, {size}×{size} pixels, {levels} levels; the class "
        f"is their shape ({', '.join(SHAPES)})",
        "licence": "CC0 1.0",
        "class_names": list(SHAPES),
        "counted": {"what": "objects", "expected": objects},
    }
    return Source(parts[0], parts[1], levels, len(SHAPES), about)


def drawn(
    n: int, objects: int, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shapes (n,), radii (n, k) and centres (n, k, 2) in pixels, uniform over what keeps objects apart.

    Raises:
        InputError: no room for so many.
    """
    shape = rng.integers(len(SHAPES), size=n)
    radius, centre = np.empty((n, objects)), np.empty((n, objects, 2))
    missing = np.arange(n)
    for _ in range(ROUNDS):
        r = rng.uniform(*RADII, size=(len(missing), objects))
        extent = r * EXTENT[shape[missing], None]
        c = extent[..., None] + (size - 2 * extent[..., None]) * rng.uniform(size=(*r.shape, 2))
        away = np.abs(c[:, :, None] - c[:, None]).max(-1)
        needed = extent[:, :, None] + extent[:, None] + GAP
        apart = ((away >= needed) | np.eye(objects, dtype=bool)).all((1, 2))
        radius[missing[apart]], centre[missing[apart]] = r[apart], c[apart]
        missing = missing[~apart]
        if not len(missing):
            return shape, radius, centre
    raise InputError(f"objects: got {objects}; expected fewer, which have room in {size}×{size} pixels")


def render(shape: np.ndarray, radius: np.ndarray, centre: np.ndarray, size: int) -> np.ndarray:
    """uint8 (n, 1, size, size): as of `drawn`; only sums, products and roots, which all machines round alike."""
    places = np.arange(size) + 0.5
    cover = np.zeros((len(shape), size, size))
    for k in range(radius.shape[1]):
        dx = np.abs(places[None, None, :] - centre[:, k, 0, None, None])
        dy = np.abs(places[None, :, None] - centre[:, k, 1, None, None])
        r, which = radius[:, k, None, None], shape[:, None, None]
        far = np.where(which == 1, np.maximum(dx, dy), dx + dy)
        far = np.where(which == 0, np.sqrt(dx * dx + dy * dy), far)
        scale = np.where(which == 2, np.sqrt(0.5), 1.0)  # to distances across a diamond's sides
        distance = (far - r * EXTENT[shape][:, None, None]) * scale
        cover = np.maximum(cover, np.clip(0.5 - distance, 0, 1))
    return np.floor(cover * 255 + 0.5).astype(np.uint8)[:, None]
