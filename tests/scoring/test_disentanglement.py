"""Disentanglement: hand-worked anchors, another way to compute each score, and codes that mix what they should not."""

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from genbench.scoring.disentanglement import (
    BINS,
    Factor,
    disentanglement,
    factor_vae_score,
    importances,
    in_bins,
    mutual_information_gap,
    separated_predictability,
    unmixed,
)

N = 600
ONCE = np.ones((1, N))


@pytest.fixture(scope="module")
def factors() -> list[Factor]:
    rng = np.random.default_rng(0)
    return [
        Factor(rng.uniform(size=N), discrete=False),
        Factor(rng.integers(4, size=N), discrete=True),
        Factor(rng.uniform(-1, 1, size=N), discrete=False),
    ]


def as_codes(factors: list[Factor]) -> np.ndarray:
    z = np.stack([factor.values for factor in factors], 1).astype(float)
    return (z - z.mean(0)) / z.std(0)


def test_the_gap_of_a_number_that_is_right_three_times_in_four() -> None:
    """I(z; v) = log 2 − H(¼), and nothing else knows of v: 1 − H₂(¼) = 0.18872."""
    v = np.repeat([0, 1], 8)
    other = np.tile([0, 0, 1, 1], 4)  # half of either value, of the right and of the wrong
    z = np.stack([np.array([0, 0, 0, 1] * 2 + [1, 1, 1, 0] * 2), other], 1).astype(float)
    found = mutual_information_gap(z, [Factor(v, discrete=True)], np.ones((1, 16)))
    assert found == pytest.approx([1 - (0.25 * 2 + 0.75 * np.log2(4 / 3))])
    assert mutual_information_gap(
        z[:, [0, 0]], [Factor(v, discrete=True)], np.ones((1, 16))
    ) == pytest.approx([0])


def test_the_gap_is_that_of_mutual_information_by_scikit_learn(factors: list[Factor]) -> None:
    codes = as_codes(factors) @ np.random.default_rng(1).normal(size=(3, 5))
    gaps = []
    for values, discrete in factors:
        v = values if discrete else in_bins(values)
        known = sorted(
            mutual_info_score(v, np.digitize(z, np.linspace(z.min(), z.max(), BINS + 1)[1:-1]))
            for z in codes.T
        )
        gaps.append((known[-1] - known[-2]) / mutual_info_score(v, v))
    assert mutual_information_gap(codes, factors, ONCE) == pytest.approx([np.mean(gaps)], abs=1e-9)


def test_separated_predictability_is_that_of_correlations_and_counted_guesses(factors: list[Factor]) -> None:
    codes = as_codes(factors) @ np.random.default_rng(2).normal(size=(3, 4))
    gaps = []
    for values, discrete in factors:
        scores = []
        for z in codes.T:
            if discrete:
                bins, most = in_bins(z), np.bincount(values).max()
                right = sum(np.bincount(values[bins == b]).max() for b in np.unique(bins))
                scores.append((right - most) / (N - most))
            else:
                scores.append(np.corrcoef(z, values)[0, 1] ** 2)
        gaps.append(np.diff(np.sort(scores))[-1])
    assert separated_predictability(codes, factors, ONCE) == pytest.approx([np.mean(gaps)], abs=1e-9)


def test_a_draw_of_elements_counts_each_as_often_as_it_was_drawn(factors: list[Factor]) -> None:
    codes = as_codes(factors) @ np.random.default_rng(3).normal(size=(3, 4))
    twice = np.ones(N)
    twice[:50] = 2
    at = np.repeat(np.arange(N), twice.astype(int))
    again = [Factor(values[at], discrete) for values, discrete in factors]
    for score in (mutual_information_gap, separated_predictability):
        assert score(codes, factors, twice[None]) == pytest.approx(
            score(codes[at], again, np.ones((1, len(at))))
        )


def test_shares_of_importance_are_mixed_as_worked_by_hand() -> None:
    """Of rows (3, 1) and (0, 2): ⁴⁄₆ (1 − H₂(¼)) + ²⁄₆ · 1."""
    assert unmixed(np.eye(3)) == pytest.approx(1)
    assert unmixed(np.ones((3, 3))) == pytest.approx(0)
    assert unmixed(np.array([[3.0, 1.0], [0.0, 2.0]])) == pytest.approx(4 / 6 * 0.1887219 + 2 / 6, abs=1e-6)
    assert unmixed(np.array([[3.0, 1.0], [0.0, 0.0]])) == pytest.approx(0.1887219, abs=1e-6)


def test_true_factors_score_high_and_turned_ones_and_noise_do_not(factors: list[Factor]) -> None:
    rng = np.random.default_rng(4)
    true = as_codes(factors)
    turned = true @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    found = [
        disentanglement(z, factors, seed=0)
        for z in (true[:, ::-1] * [-3, 1, 2], turned, rng.normal(size=(N, 4)))
    ]
    for name, least in {
        "mig": 0.85,
        "sap": 0.9,
        "disentanglement": 0.95,
        "completeness": 0.95,
        "factor_vae": 0.99,
    }.items():
        good, bad, nothing = (getattr(each, name).value for each in found)
        assert good > least
        assert good > bad + 0.2
        assert nothing < (0.6 if name == "factor_vae" else 0.1)
    assert found[0].informativeness.value > 0.9 and found[1].informativeness.value > 0.7
    assert found[2].informativeness.value < 0.25
    assert found[0].mig.low < found[0].mig.value < found[0].mig.high


def test_a_number_that_never_varies_has_no_vote(factors: list[Factor]) -> None:
    """Without pruning it would vary least behind every vote."""
    dead = np.concatenate([as_codes(factors), 1e-6 * np.random.default_rng(5).normal(size=(N, 1))], 1)
    assert factor_vae_score(dead, factors, seed=0).value > 0.99


def test_forests_find_the_factor_that_a_number_is(factors: list[Factor]) -> None:
    importance, _ = importances(as_codes(factors)[:, [2, 0, 1]], factors, seed=0)
    assert (importance.argmax(0) == [1, 2, 0]).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "none, expected at least 1"),
        ([Factor(np.zeros(N), discrete=False)], "one value alone"),
        ([Factor(np.arange(3), discrete=True)], r"expected \(600,\)"),
    ],
)
def test_factors_that_say_nothing_are_refused(given: list[Factor], said: str, factors: list[Factor]) -> None:
    with pytest.raises(ValueError, match=said):
        disentanglement(as_codes(factors), given, seed=0)


def test_every_pair_of_equal_numbers_leaves_no_gap() -> None:
    v = np.array(list(product([0, 1], repeat=2)) * 8)
    factors = [Factor(column, discrete=True) for column in v.T]
    doubled = np.concatenate([v, v], 1).astype(float)
    drawn = np.ones((1, len(v)))
    assert mutual_information_gap(doubled, factors, drawn) == pytest.approx([0])
    assert separated_predictability(doubled, factors, drawn) == pytest.approx([0])
    assert mutual_information_gap(v.astype(float), factors, drawn) == pytest.approx([1])
