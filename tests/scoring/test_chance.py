"""Verdicts by the copy rate err as often as they say: the noise of a threshold that all systems share is counted."""

import numpy as np
import pytest
from scipy.stats import betabinom, hypergeom

from genbench.scoring import novelty
from genbench.scoring.estimates import clopper_pearson
from genbench.scoring.novelty.chance import LEVEL, Fold

QUANTILE = 0.01


def flagged(tables: int, h: int, systems: int, copies: float = 0.0) -> np.ndarray:
    """How many of h samples each system has flagged, by the threshold that its table shares: (tables, systems)."""
    rng = np.random.default_rng(0)
    rank = int(QUANTILE * (h + 1))
    threshold = np.partition(rng.random((tables, h)), rank - 1)[:, rank - 1]
    copied = rng.binomial(h, copies, (tables, systems))
    return copied + rng.binomial(h - copied, threshold[:, None])


def test_of_tables_of_new_systems_no_more_than_one_in_twenty_holds_a_suspicious_one() -> None:
    """13 systems, 4,000 tables; were the threshold taken as known, the interval of a rate would decide one in five."""
    found, folds = flagged(4000, 797, 13), [Fold(797, 797, 7)]
    wrong = (found.max(1) >= novelty.least_suspicious(folds, systems=13)).mean()
    assert 0.03 < wrong <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / 4000)
    by_interval = next(k for k in range(797) if clopper_pearson(k, 797).interval[0] > QUANTILE)
    assert (found.max(1) >= by_interval).mean() > 0.15


def test_the_stated_power_is_that_of_copies_that_are_planted() -> None:
    folds = [Fold(797, 797, 7)]
    for share in (0.01, 0.02):
        found = flagged(4000, 797, 1, share) >= novelty.least_suspicious(folds, systems=13)
        assert found.mean() == pytest.approx(novelty.power(share, folds, systems=13), abs=0.03)
    assert novelty.power(0.10, folds, systems=13) > 0.999


def test_a_threshold_knows_what_it_is() -> None:
    rng = np.random.default_rng(0)
    found = novelty.calibrate_distances(rng.random(797), rng.random(300), quantile=QUANTILE)
    assert found.fold == Fold(300, 797, 7)
    assert novelty.calibrate_distances(rng.random(50), rng.random(9), quantile=QUANTILE).fold.rank == 1


@pytest.mark.parametrize(
    ("samples", "held_out", "rank"), [(797, 797, 7), (50, 400, 4), (10_000, 10_000, 100)]
)
def test_chance_of_one_system_is_beta_binomial(samples: int, held_out: int, rank: int) -> None:
    for count in (0, rank, 2 * rank, 3 * rank):
        exact = betabinom.sf(count - 1, samples, rank, held_out + 1 - rank)
        assert novelty.chance_of(count, [Fold(samples, held_out, rank)]) == pytest.approx(exact, rel=0.02)


def test_chance_over_two_folds_is_no_smaller_than_it_is() -> None:
    """Of samples that are held against the threshold of the other fold, drawn 200,000 times."""
    rng = np.random.default_rng(0)
    folds = [Fold(399, 398, 3), Fold(398, 399, 4)]
    found = sum(rng.binomial(m, rng.beta(k, h + 1 - k, 200_000)) for m, h, k in folds)
    for count in (8, 14, 20):
        drawn = (found >= count).mean()
        assert 0.97 * drawn <= novelty.chance_of(count, folds) <= 1.1 * drawn


def test_where_real_data_repeat_training_data_the_test_is_that_of_fisher() -> None:
    rng = np.random.default_rng(0)
    held_out, samples = (np.where(np.arange(500) < zeros, 0.0, 1 + rng.random(500)) for zeros in (20, 38))
    found = novelty.calibrate_distances(held_out, samples, quantile=QUANTILE)
    assert found.threshold == 0
    assert found.fold == Fold(500, 500, 21)
    exact = hypergeom.sf(37, 1000, 500, 58)
    assert novelty.chance_of(38, [found.fold]) == pytest.approx(exact, rel=0.02)


def test_the_least_suspicious_number_is_the_first_whose_chance_is_small_enough() -> None:
    folds = [Fold(797, 797, 7)]
    for systems in (1, 13):
        least = novelty.least_suspicious(folds, systems=systems)
        below, above = (novelty.chance_of(least - off, folds, systems=systems) for off in (0, 1))
        assert below <= LEVEL < above


def test_copies_are_called_so() -> None:
    assert novelty.verdict(clopper_pearson(90, 100), 0.0, level=LEVEL) == "copies"
    assert novelty.verdict(clopper_pearson(10, 100), 0.0, level=LEVEL) == "suspicious"
    assert novelty.verdict(clopper_pearson(10, 100), 0.2, level=LEVEL) == "novel"
