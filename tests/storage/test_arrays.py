"""Places in arrays."""

import numpy as np
import pytest

from genbench.storage.arrays import evenly


@pytest.mark.parametrize(("n", "most"), [(10, 3), (10, 10), (3, 10), (1000, 7), (1, 1)])
def test_places_are_spread_evenly(n: int, most: int) -> None:
    places = evenly(n, most)
    assert len(places) == min(n, most)
    assert places[0] == 0
    steps = np.diff([*places, n])
    assert steps.min() >= 1
    assert steps.max() - steps.min() <= 1


def test_of_nothing_there_is_no_place() -> None:
    assert not evenly(0, 5).size
