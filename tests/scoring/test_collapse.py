"""Planted collapses are found, each by its own score, and what is diverse is not called collapsed."""

from typing import NamedTuple

import numpy as np
import pytest

from genbench.scoring.collapse import (
    Collapse,
    Elements,
    collapse,
    lost_classes,
    modes_record,
    recall_by_class,
)
from genbench.scoring.metrics.bins import different_bins

CLASSES, N, SIDE = 10, 600, 8
RNG = np.random.default_rng(0)
SHAPES = RNG.uniform(0, 1, (CLASSES, 1, SIDE, SIDE)) > 0.5
MIDDLES = 4 * np.eye(CLASSES, 16)


class World(NamedTuple):
    train: Elements
    real: Elements


def elements(labels: np.ndarray, seed: int) -> Elements:
    """New elements of these classes: a shape of the class with its own grey levels, features around its middle."""
    rng = np.random.default_rng(seed)
    pictures = SHAPES[labels] * rng.uniform(0.3, 1, (len(labels), 1, SIDE, SIDE))
    return Elements(MIDDLES[labels] + 0.5 * rng.standard_normal((len(labels), 16)), labels, pictures)


@pytest.fixture(scope="module")
def world() -> World:
    return World(*(elements(np.random.default_rng(seed).permutation(N) % CLASSES, seed) for seed in (1, 2)))


def of(world: World, fake: Elements) -> Collapse:
    return collapse(world.train.features, world.real, fake, classes=CLASSES, seed=0)


def rows(x: Elements, index: np.ndarray) -> Elements:
    return Elements(*(part[index] for part in x))


def test_new_elements_are_diverse(world: World) -> None:
    found = of(world, elements(np.random.default_rng(3).integers(0, CLASSES, N), 3))
    assert (found.verdict, found.held, found.asked, found.lost) == ("diverse", CLASSES, CLASSES, [])
    assert found.ndb < 0.2
    assert found.vendi.value == pytest.approx(found.vendi_real.value, rel=0.05)
    assert min(share for share in found.recall if share is not None) > 0.5


def test_a_sampler_of_one_class_has_collapsed(world: World) -> None:
    found = of(world, elements(np.full(N, 3), 4))
    assert found.verdict == "collapsed"
    assert found.lost == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert found.vendi.value < 0.5 * found.vendi_real.value
    assert [share == 0 for share in found.recall] == [label != 3 for label in range(CLASSES)]
    assert found.missing > 0.8


def test_ten_images_with_noise_have_collapsed_though_every_class_is_there(world: World) -> None:
    first = [int(np.flatnonzero(world.train.labels == label)[0]) for label in range(CLASSES)]
    ten = rows(world.train, np.tile(first, N // CLASSES))
    noise = np.random.default_rng(5).normal(0, 0.01, ten.images.shape)
    fake = ten._replace(images=(ten.images + noise).clip(0, 1))
    found = of(world, fake)
    assert found.verdict == "collapsed"
    assert found.lost == []
    assert found.support.high < N
    assert found.alike is not None
    assert found.alike_real is not None
    assert found.alike.value > 0.9 > found.alike_real.value


def test_a_sampler_that_drops_three_classes_drops_classes(world: World) -> None:
    found = of(world, elements(np.random.default_rng(6).integers(0, 7, N), 6))
    assert (found.verdict, found.lost) == ("drops classes", [7, 8, 9])
    assert found.kl > 0.2


def test_of_rare_classes_nothing_is_said() -> None:
    data = np.array([0.5, 0.49, 0.01])
    assert lost_classes(np.arange(200) % 2, data) == ([], 2)
    assert lost_classes(np.arange(4000) % 2, data) == ([2], 3)
    assert lost_classes(np.zeros(200, int), data) == ([1], 2)


def test_modes_are_held_by_good_samples_alone() -> None:
    modes, shares = np.arange(800) % 8, np.full(8, 1 / 8)
    assert modes_record(modes, np.ones(800, bool), shares)["verdict"] == "diverse"
    assert modes_record(modes, modes != 5, shares) == {
        "verdict": "drops classes",
        "held": 7,
        "asked": 8,
        "lost": [5],
    }
    assert modes_record(modes, np.zeros(800, bool), shares)["verdict"] == "collapsed"


def test_recall_is_taken_across_folds(world: World) -> None:
    """Held-out data as samples: not 1, as it would be if an element lay in its own ball."""
    own = [share for share in recall_by_class(world.real, world.real, CLASSES) if share is not None]
    assert 0.5 < np.mean(own) < 0.98


def test_bins_differ_by_chance_in_one_of_twenty() -> None:
    rng = np.random.default_rng(0)
    train, real, fake = (rng.standard_normal((3000, 3)) for _ in range(3))
    assert different_bins(train, real, fake, bins=100).share < 0.12
    dropped = different_bins(train, real, fake[fake[:, 0] < 0.5], bins=100)
    assert dropped.share > 0.4
    assert dropped.missing > 0.15
    assert different_bins(train, real, real, bins=100).share == 0
    with pytest.raises(ValueError, match="bins: 3000"):
        different_bins(train, real, fake, bins=3000)
