"""Disguised copies in a long training set: looked for among the few images that a coarse view finds nearest.

An exact search for shifted copies costs one search for each shift.  Here one search in coarse views, of as many numbers
as a small image has, names some candidates for each image, and only these are compared in full.  What it finds is still
one fixed function of an image, so that a calibration on held-out images holds as before; a copy is missed where so many
other training images look more like it from afar.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.data.pixels import reduced
from genbench.scoring.arrays import Floats, Integers, Nearest, Rows
from genbench.scoring.neighbours import GATHER, nearest
from genbench.storage.arrays import release_pages, slices

EXACT = 20_000  # training images, up to which every one of them is compared
NUMBERS = 1 << 24  # in them, likewise
CANDIDATES, SIDE = 16, 8  # of each image, and of the coarse view

Images = NDArray[Any]
Pairwise = Callable[[Images, Images], Floats]
"""Images (b, c, h, w), and of each its candidates (b, k, c, h, w) -> distances (b, k)."""


def candidates(train: Images, queries: Images, view: Callable[[Images], Images]) -> Integers:
    """The training images nearest to each query in a coarse view, in their order: (m, k).

    view: images (n, c, h, w), averaged down to SIDE -> rows (n, d), in which brightness and contrast do not count.
    """

    def coarse(images: Images) -> Images:
        return view(reduced(images, SIDE))

    found = nearest(Rows(train, coarse), Rows(queries, coarse), k=min(CANDIDATES, len(train)))[1]
    return np.sort(found, axis=1)


def nearest_among(train: Images, queries: Images, places: Integers, distance: Pairwise) -> Nearest:
    """The nearest of each query's candidates: distances (m,), rows of train (m,); the lower row where two are equal."""
    distances, rows = np.empty(len(queries)), np.empty(len(queries), dtype=np.int64)
    for part in _parts(queries, places.shape[1]):
        found = distance(queries[part], train[places[part]])
        release_pages(train)
        best = found.argmin(axis=1)
        every = np.arange(len(best))
        distances[part], rows[part] = found[every, best], places[part][every, best]
    return distances, rows


def shifted(pixels: int) -> Pairwise:
    """Root mean square over the overlap, the smallest over all shifts by up to so many rows and columns.

    Σ(a − b)² = Σa² + Σb² − 2Σab, of which bytes give each term exactly.
    """

    def distance(images: Images, others: Images) -> Floats:
        reach = range(-pixels, pixels + 1)
        mine, theirs = (
            [_overlap(s * r, s * c, *images.shape[-2:]) for r in reach for c in reach] for s in (1, -1)
        )
        images, others = _centred(images, others)
        (n, k), (c, *sides) = others.shape[:2], images.shape[1:]
        moved = np.zeros((n, len(mine), c, *sides), dtype=images.dtype)
        seen = np.zeros(
            (2, len(mine), *sides), dtype=images.dtype
        )  # 1 where images overlap with others, and these
        for i, (here, there) in enumerate(zip(mine, theirs, strict=True)):
            moved[:, i][there] = images[here]
            seen[0, i][here] = seen[1, i][there] = 1
        one, many = images.reshape(n, c, -1), others.reshape(n, k, c, -1)
        masks = seen.reshape(2, len(mine), -1).transpose(0, 2, 1)
        products = many.swapaxes(1, 2) @ moved.reshape(n, len(mine), c, -1).transpose(0, 2, 3, 1)
        of_one, of_many = np.square(one) @ masks[0], np.square(many) @ masks[1]
        squares = _total(of_one, 1)[:, None] + _total(of_many, 2) - 2 * _total(products, 1)
        size = c * masks[0].sum(axis=0, dtype=np.float64)
        result: Floats = np.sqrt((squares.clip(0) / size).min(axis=2))
        return result

    return distance


def contrast(far: float) -> Pairwise:
    """Euclidean between images of mean 0 and norm 1: √(2 − 2 · correlation), exactly 0 of equal bytes.

    An image of one colour is 0 among queries, and of norm `far` among training images, orthogonal to all others.
    """

    def distance(images: Images, others: Images) -> Floats:
        images, others = _centred(images, others)
        (n, k), c, d = others.shape[:2], images.shape[1], images[0].size
        one, many = images.reshape(n, c, -1), others.reshape(n, k, c, -1)
        of_one, of_many = _deviations(one), _deviations(many)
        products = _total((many.swapaxes(1, 2) @ one[..., None])[..., 0], 1)
        together = d * products - one.sum(axis=(1, 2), dtype=np.float64)[:, None] * many.sum(
            axis=(2, 3), dtype=np.float64
        )
        scale = np.sqrt(of_one[:, None] * of_many)
        cosine = np.divide(together, scale, out=np.zeros((n, k)), where=scale > 0)
        norms = (of_one > 0)[:, None] + np.where(of_many > 0, 1.0, far**2)
        result: Floats = np.sqrt((norms - 2 * cosine).clip(0))
        return result

    return distance


def _centred(*images: Images) -> list[Images]:
    """In float64; bytes less 128, in float32 where sums of their products over a channel are exact in it."""
    if images[0].dtype != np.uint8:
        return [x.astype(np.float64) for x in images]
    kind = np.float32 if images[0][0, 0].size * 128**2 <= 2**24 else np.float64
    return [np.subtract(x, 128, dtype=kind) for x in images]


def _total(x: Images, axis: int) -> Floats:
    result: Floats = x.sum(axis=axis, dtype=np.float64)
    return result


def _deviations(x: Images) -> Floats:
    """n² times the variance of the n numbers of each image (…, c, h·w); 0 exactly where they are all the same."""
    both, n = (-2, -1), x.shape[-2] * x.shape[-1]
    squares = _total(np.einsum("...i,...i->...", x, x), -1)
    varied = x.max(axis=both) > x.min(axis=both)
    result: Floats = np.where(varied, n * squares - x.sum(axis=both, dtype=np.float64) ** 2, 0.0)
    return result


def _overlap(r: int, c: int, height: int, width: int) -> tuple[Any, ...]:
    return ..., slice(max(r, 0), height + min(r, 0)), slice(max(c, 0), width + min(c, 0))


def _parts(queries: Images, k: int) -> Iterator[slice]:
    return slices(len(queries), max(1, GATHER // (k * queries[:1].size)))
