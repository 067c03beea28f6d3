"""Verification: the area under the curve against a count by hand, and the coverage of its interval."""

import numpy as np

from genbench.scoring.estimates import resamplings
from genbench.scoring.metrics.verification import verification_auc


def by_hand(distances: np.ndarray, other: np.ndarray) -> float:
    further = [(apart > own) + (apart == own) / 2 for own in np.diag(distances) for apart in distances[other]]
    return float(np.mean(further))


def test_auc_is_the_share_of_people_further_apart_than_one_person_is_from_himself() -> None:
    distances = np.round(np.random.default_rng(0).uniform(size=(7, 7)), 1)  # with ties
    np.fill_diagonal(distances, np.round(np.diag(distances) / 2, 1))
    same = np.zeros((7, 7), bool)
    same[2, 5] = same[5, 2] = True
    draws = resamplings(7, 50, seed=0)
    for known in (None, same):
        other = ~np.eye(7, dtype=bool) & ~(same & (known is not None))
        assert np.isclose(verification_auc(distances, draws, same=known).value, by_hand(distances, other))
    assert verification_auc(1 - np.eye(9), resamplings(9, 5, seed=0)).value == 1
    assert verification_auc(np.zeros((9, 9)), resamplings(9, 5, seed=0)).value == 0.5


def test_a_pair_drawn_twice_counts_as_two() -> None:
    distances = np.abs(np.random.default_rng(1).normal(size=(6, 6)))
    index = np.array([0, 0, 1, 2, 4, 5])
    drawn = np.bincount(index, minlength=6)[None].astype(float)
    twice = distances[np.ix_(index, index)]
    other = index[:, None] != index
    found = verification_auc(distances, np.concatenate([drawn, drawn + 1e-12]))
    assert np.isclose(found.high, found.value, atol=1e-6), "two equal replicates"
    by_draws = verification_auc(twice, np.ones((2, 6)), same=~other).value
    assert np.isclose(by_draws, by_hand(twice, other))


def test_the_interval_holds_the_true_area_about_as_often_as_it_says() -> None:
    rng, hits, rounds = np.random.default_rng(2), 0, 100
    for _ in range(rounds):
        people = rng.normal(size=(60, 1))
        one, other = (people + rng.normal(size=(60, 1)) * 0.5 for _ in range(2))
        found = verification_auc(np.abs(one - other.T), resamplings(60, 60, seed=int(rng.integers(2**30))))
        hits += found.low < TRUE_AREA < found.high
    assert hits >= 88


def true_area(n: int = 2000) -> float:
    """Of the people above: |N(0, ½)| against |N(0, 2.5)|, by many draws."""
    rng = np.random.default_rng(3)
    own, apart = (np.abs(rng.normal(scale=scale, size=n)) for scale in (0.5**0.5, 2.5**0.5))
    return float((apart[:, None] > own).mean())


TRUE_AREA = true_area()
