"""Churn has its known values: a generator that stands still, one that jumps, and one that only draws anew."""

import math

import numpy as np
import pytest

from genbench.scoring.metrics.churn import churn

FLOOR = math.sqrt(3 / (math.pi * 1000))


def test_known_values() -> None:
    still = np.tile(np.arange(1000) % 4, (6, 1))
    assert churn(still, 4) == pytest.approx(-FLOOR)
    jumping = np.repeat(np.arange(6) % 4, 1000).reshape(6, 1000)
    assert churn(jumping, 4) == pytest.approx(1 - FLOOR)
    halfway = np.stack(
        [still[0], np.where(np.arange(1000) < 500, still[0], 0)]
    )  # 3/4 of a half move to class 0
    assert churn(halfway, 4) == pytest.approx(3 / 8 - FLOOR)


def test_new_draws_from_one_distribution_have_none() -> None:
    labels = np.random.default_rng(0).integers(4, size=(400, 1000))
    assert churn(labels, 4) == pytest.approx(0, abs=0.002)


@pytest.mark.parametrize("labels", [np.zeros(5, int), np.zeros((1, 5), int), np.zeros((3, 0), int)])
def test_one_moment_is_too_few(labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected \(moments, n\)"):
        churn(labels, 4)
