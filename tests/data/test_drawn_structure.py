"""Pictures whose structure is known: what is counted is there, edges meet; and what breaks is seen."""

import numpy as np
import pytest

from genbench.data.parts.counters import COUNTERS
from genbench.data.parts.perspective import edges, miss
from genbench.data.pixels import spread
from genbench.data.source import Source
from genbench.data.sources import corridors, counting
from genbench.storage.files import InputError

LEVELS = 8


def halves(x: np.ndarray) -> np.ndarray:
    """The left half of each picture, and the right half of another."""
    mixed, middle = x.copy(), x.shape[-1] // 2
    mixed[..., middle:] = np.roll(x, 1, axis=0)[..., middle:]
    return mixed


@pytest.mark.parametrize(("size", "objects"), [(16, 4), (16, 1), (24, 6)])
def test_every_picture_has_exactly_so_many_objects(size: int, objects: int) -> None:
    found = counting.load(size=size, objects=objects, train=120, held_out=40)
    for part in (found.train, found.held_out):
        assert (COUNTERS["objects"](spread(part.x, LEVELS)) == objects).all()
        assert set(part.y) == {0, 1, 2}


def test_an_object_too_many_or_too_few_is_counted() -> None:
    found = counting.load(train=60, held_out=12)
    x = spread(found.train.x, LEVELS)
    rng = np.random.default_rng(0)
    shape, radius, centre = counting.drawn(60, 4, 16, rng)
    less = counting.render(shape, radius[:, 1:], centre[:, 1:], 16)
    assert (COUNTERS["objects"](less) == 3).all()
    assert (COUNTERS["objects"](halves(x)) != 4).mean() > 0.2
    assert (COUNTERS["objects"](np.zeros_like(x)) == 0).all()


def test_the_edges_of_a_corridor_meet_where_it_was_drawn() -> None:
    rng = np.random.default_rng(1)
    for size, error in ((16, 0.25), (32, 0.25)):
        drawn = corridors.geometry(200, size, rng)
        x = corridors.render(drawn, rng.integers(3, size=200), size)
        lines = edges(x)
        assert miss(lines).max() < error
        for side, width in enumerate(
            (drawn[:, 2], drawn[:, 3])
        ):  # slopes of the ceiling's edges and of the floor's
            sign = 1 if side == 0 else -1
            assert np.abs(lines[:, side, 1] - sign * drawn[:, 4] / width).max() < 0.1
            assert np.abs(lines[:, 2 + side, 1] + sign * drawn[:, 5] / width).max() < 0.1


def test_lines_miss_their_common_point_by_a_known_distance() -> None:
    """y = ±1 and x + y = 0, x − y = 0 … : two parallels a unit from a point where two others cross miss it by √½."""
    lines = np.array([[[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]])
    assert miss(lines) == pytest.approx([np.sqrt(0.5)])
    through = np.array([[[2.0 - 3 * slope, slope] for slope in (-1.0, 0.5, 2.0, 4.0)]])  # all through (3, 2)
    assert miss(through) == pytest.approx([0.0], abs=1e-12)


def test_halves_of_two_corridors_have_no_vanishing_point() -> None:
    x = spread(corridors.load(train=200, held_out=12).train.x, LEVELS)
    real, mixed = miss(edges(x)), miss(edges(halves(x)))
    assert real.max() < 0.35
    assert np.median(mixed) > 5 * np.median(real)


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        (counting, {"objects": 6}, "objects: got 6; expected 1 to 4"),
        (counting, {"levels": 1}, "levels: got 1"),
        (corridors, {"size": 8}, "size: got 8; expected 12 to 64"),
        (corridors, {"seed": -1}, "seed: got -1"),
    ],
)
def test_options_out_of_range_are_named(source: Source, options: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        source.load(**options)  # type: ignore[attr-defined]
