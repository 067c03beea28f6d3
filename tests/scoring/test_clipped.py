"""Clipped density and coverage: the authors' values, calibration, and outliers that cannot make up for others."""

import numpy as np
import pytest
from scipy.stats import betabinom

from genbench.scoring.metrics import clipped_density_coverage, density_coverage
from genbench.scoring.metrics.clipped import calibrated, expected

# Of numpy.random.default_rng(0): n reals and m fakes of N(0, I_d), of which a share is drawn and the rest lies 50 off;
# the authors' code gave these values of clipped density and clipped coverage, one after the other with one generator.
AUTHORS = [
    (400, 400, 8, 1.0, 1.0, 1.0),
    (400, 300, 8, 0.7, 0.7755491881566381, 0.7574750830564784),
    (600, 600, 16, 0.4, 0.37142857142857144, 0.39933444259567386),
    (300, 500, 4, 0.0, 0.0, 0.0),
    (449, 449, 64, 0.5, 0.46559139784946235, 0.48),
]


def test_values_are_those_of_the_authors_code() -> None:
    rng = np.random.default_rng(0)
    for n, m, d, share, density, coverage in AUTHORS:
        real, fake = rng.normal(size=(n, d)), rng.normal(size=(m, d))
        fake[int(share * m) :] += 50
        found = clipped_density_coverage(real, fake)
        assert found.density.value == pytest.approx(density, abs=1e-12)
        assert found.coverage.value == pytest.approx(coverage, abs=2 / m)  # they round to a sample


def test_a_share_of_good_samples_scores_that_share() -> None:
    rng = np.random.default_rng(1)
    real = rng.normal(size=(800, 6))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        fake = rng.normal(size=(800, 6))
        fake[int(share * 800) :] += 30
        found = clipped_density_coverage(real, fake)
        assert found.density.value == pytest.approx(share, abs=0.08)
        assert found.coverage.value == pytest.approx(share, abs=0.08)


def test_an_outlier_among_the_real_lets_no_bad_sample_pass() -> None:
    """Its ball reaches to the middle of the data; density counts what lies there, clipped density does not."""
    rng = np.random.default_rng(2)
    real, fake = rng.normal(size=(300, 4)), rng.normal(size=(300, 4))
    real[:1] = 400  # far off and alone: its ball holds all else
    fake[150:] = 200 + rng.normal(size=(150, 4))
    none = clipped_density_coverage(real, fake[150:]).density.value
    assert density_coverage(real, fake[150:]).density.value == pytest.approx(
        0.2
    )  # one ball around each, of five
    assert none == 0
    assert clipped_density_coverage(real, fake).density.value < 0.65


def test_samples_of_high_density_cannot_make_up_for_bad_ones() -> None:
    rng = np.random.default_rng(3)
    real = rng.normal(size=(400, 32))
    fake = np.concatenate([0.5 * rng.normal(size=(100, 32)), 40 + rng.normal(size=(300, 32))])
    assert density_coverage(real, fake).density.value > 1
    assert clipped_density_coverage(real, fake).density.value < 0.7


def test_what_is_expected_of_good_samples_is_what_is_found() -> None:
    """E[min(j, k)] / k by simulation of uniform points on a line."""
    rng, n, k = np.random.default_rng(4), 60, 5
    good = expected(n, 80, k=k)
    by_scipy = betabinom.expect(lambda j: np.minimum(j, k) / k, args=(80, k, n - k))
    assert good[80] == pytest.approx(by_scipy)
    assert good[0] == pytest.approx(0, abs=1e-9)
    assert (np.diff(good) > 0).all()
    found = []
    for _ in range(300):
        real, fake = rng.random((n, 1)), rng.random((80, 1))
        gaps = np.sort(np.abs(real - real.T), 1)[:, k]
        found.append(np.minimum((np.abs(real - fake.T) < gaps[:, None]).sum(1), k).mean() / k)
    assert np.mean(found) == pytest.approx(good[80], abs=0.01)
    assert calibrated(good[[0, 20, 80]], good) == pytest.approx([0, 0.25, 1])


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="expected more than k=5"):
        clipped_density_coverage(np.zeros((5, 2)), np.zeros((9, 2)))
    with pytest.raises(ValueError, match="fake: 3 rows"):
        clipped_density_coverage(np.random.default_rng(0).random((9, 2)), np.zeros((3, 2)))
