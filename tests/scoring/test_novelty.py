"""Novelty scores on data whose answer is known, and on scikit-learn's digits with copies planted."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm
from sklearn.datasets import load_digits

from genbench.scoring import novelty
from genbench.scoring.metrics import frechet_distance


@pytest.fixture(scope="module")
def digits() -> dict[str, np.ndarray]:
    """8×8 digits in [0, 1]: 797 training, 500 held-out, 500 further images, and what some generators make."""
    rng = np.random.default_rng(0)
    images = load_digits().data[rng.permutation(1797)] / 16
    train, held_out, real = images[:797], images[797:1297], images[1297:]
    copies = train[rng.integers(0, len(train), 500)]
    tenth = real.copy()
    tenth[:50] = copies[:50]
    centre = train.mean(0)
    _, _, axes = np.linalg.svd(train - centre, full_matrices=False)
    coordinates = (train - centre) @ axes[:16].T
    blurry = centre + (rng.normal(size=(500, 16)) * coordinates.std(0)) @ axes[:16]
    return {
        "train": train,
        "held_out": held_out,
        "real": real,
        "copycat": copies,
        "noisy_copycat": (copies + 0.1 * rng.normal(size=copies.shape)).clip(0, 1),
        "tenth_copycat": tenth,
        "blurry": blurry,
        "noise": rng.random((500, 64)),
    }


# The calibrated rate


def test_calibrated_rate_sorts_the_controls(digits: dict[str, np.ndarray]) -> None:
    rate = {
        name: novelty.calibrate(digits["train"], digits["held_out"], digits[name]).rate.value
        for name in ("real", "copycat", "noisy_copycat", "tenth_copycat", "blurry", "noise")
    }
    assert rate["copycat"] == 1
    assert rate["real"] < 0.03
    assert 0.1 <= rate["tenth_copycat"] < 0.13
    assert rate["noisy_copycat"] > 0.3
    assert rate["blurry"] == rate["noise"] == 0


def test_calibration_points_at_the_planted_copies(digits: dict[str, np.ndarray]) -> None:
    found = novelty.calibrate(digits["train"], digits["held_out"], digits["tenth_copycat"])
    assert found.flags[:50].all()
    assert (found.distances[:50] == 0).all()
    assert (digits["train"][found.indices[:50]] == digits["tenth_copycat"][:50]).all()
    assert found.rate.value == found.flags.mean()
    assert found.false_positive_rate <= 0.01
    assert found.threshold > 0


def test_a_new_real_sample_is_flagged_at_the_promised_rate() -> None:
    """Over 300 fresh draws of small sets, continuous and on few grey levels, at most 5 % are flagged."""
    rng = np.random.default_rng(0)
    flagged: dict[str, list[float]] = {"continuous": [], "few levels": []}
    for _ in range(300):
        data = rng.normal(size=(150, 3))
        for kind, values in (("continuous", data), ("few levels", np.round(data * 3))):
            found = novelty.calibrate(values[:50], values[50:99], values[99:], quantile=0.05)
            flagged[kind].append(float((found.flags & (found.distances > 0)).mean()))
    exact = np.floor(0.05 * 50) / 50
    assert np.mean(flagged["continuous"]) == pytest.approx(exact, abs=0.008)
    assert np.mean(flagged["few levels"]) < 0.05


def test_binary_data_with_duplicates_in_the_held_out_set() -> None:
    """Copies are always flagged; ties at the threshold are not; the rule's own false positives are stated."""
    rng = np.random.default_rng(0)
    data = rng.random((900, 12)) < 0.5
    train, held_out, samples = data[:300], data[300:700], data[700:]
    held_out[:40] = train[:40]
    distance = novelty.nearest(train, held_out)[0][:, 0]
    duplicates = float((distance == 0).mean())
    found = novelty.calibrate(train, held_out, samples)
    assert 0.1 < duplicates < 0.3
    assert found.threshold == 0
    assert found.false_positive_rate == duplicates
    assert (found.flags == (found.distances == 0)).all()
    assert novelty.calibrate(train, held_out, train[:50]).rate.value == 1


def test_ties_at_the_threshold_do_not_inflate_the_rate() -> None:
    held_out = np.array(
        [1.0] * 50 + [2.0] * 149
    )  # a quarter of the held-out distances tie at the 1 % quantile
    found = novelty.calibrate_distances(held_out, np.array([0.0, 0.5, 1.0, 1.0, 2.0]))
    assert found.flags.tolist() == [True, True, False, False, False]
    assert found.false_positive_rate == 0


def test_a_small_held_out_set_is_no_evidence_except_against_exact_copies() -> None:
    found = novelty.calibrate_distances(np.arange(1.0, 51.0), np.array([0.0, 0.001]))
    assert found.threshold == 0
    assert found.flags.tolist() == [True, False]


def test_calibrated_rate_names_bad_input() -> None:
    x = np.eye(3)
    with pytest.raises(ValueError, match="quantile: 1, expected more than 0 and less than 1"):
        novelty.calibrate(x, x, x, quantile=1)
    with pytest.raises(ValueError, match="samples: 1 values are NaN or infinite"):
        novelty.calibrate(x, x, np.diag([1, np.nan, 1]))
    with pytest.raises(ValueError, match=r"held_out: rows of shape \(2,\), expected \(3,\) as in train"):
        novelty.calibrate(x, x[:, :2], x)


# Closer to train


def test_closer_to_train_is_half_for_real_data_and_one_for_copies(digits: dict[str, np.ndarray]) -> None:
    score: Callable[[str], Any] = lambda name: novelty.closer_to_train(  # noqa: E731
        digits["train"], digits["held_out"], digits[name], seed=0
    )
    assert 0.4 < score("real").value < 0.6
    # the seeded cut keeps 500 of 797 training images: a copy of one left out may go either way
    assert score("copycat").value > 0.75
    all_kept = novelty.closer_to_train(
        digits["train"][:500], digits["held_out"], digits["train"][:500], seed=0
    )
    assert all_kept.value == 1
    of_the_other = novelty.closer_to_train(
        digits["train"][:500], digits["held_out"], digits["held_out"], seed=0
    )
    assert of_the_other.value == 0


def test_closer_to_train_counts_ties_half_and_is_seeded(digits: dict[str, np.ndarray]) -> None:
    same = digits["train"][:400]
    assert novelty.closer_to_train(same, same, digits["real"], seed=0).value == 0.5
    found = [
        novelty.closer_to_train(digits["train"], digits["held_out"], digits["real"], seed=s)
        for s in (0, 0, 1)
    ]
    assert found[0] == found[1] != found[2]


# Ratio and authenticity


def test_neighbour_ratio_sees_copies_but_not_noisy_ones(digits: dict[str, np.ndarray]) -> None:
    share = {name: novelty.neighbour_ratio(digits["train"], digits[name]).value for name in digits}
    assert share["copycat"] == 1
    assert share["real"] == share["blurry"] == share["noise"] == 0
    assert share["tenth_copycat"] == 0.1
    assert share["noisy_copycat"] < 0.1  # its known blindness in small data


def test_neighbour_ratio_of_a_copied_duplicate_is_memorised() -> None:
    train = np.array([[0.0], [0.0], [9.0]])
    assert novelty.neighbour_ratio(train, [[0.0], [4.0], [9.0], [7.0]]).value == 0.75


def test_authenticity_compares_with_the_neighbours_own_neighbour() -> None:
    """More samples than training rows: indexing by the sample instead of its neighbour would fail."""
    train = np.array([[0.0], [1.0], [10.0], [14.0]])
    samples = [[0.5], [-1.5], [11.5], [5.9], [16.5], [30.0], [10.0]]
    # at 0.5, 1.5, 1.5, 4.1, 2.5, 16, 0 from rows whose own neighbours are at 1, 1, 4, 4, 4, 4, 4
    assert novelty.authenticity(train, samples).value == 3 / 7


def test_authenticity_of_the_controls(digits: dict[str, np.ndarray]) -> None:
    share = {name: novelty.authenticity(digits["train"], digits[name]).value for name in digits}
    assert share["copycat"] == 0
    assert share["noisy_copycat"] < 0.1
    assert 0.45 < share["real"] < 0.6
    assert share["blurry"] > 0.9  # rewarded, wrongly


# C_T


def test_ct_score_of_the_controls(digits: dict[str, np.ndarray]) -> None:
    score = {
        name: novelty.ct_score(digits["train"], digits["held_out"], digits[name]).value
        for name in digits
        if name not in ("train", "held_out")
    }
    assert abs(score["real"]) < 2
    assert score["copycat"] < -14
    assert score["noisy_copycat"] < -10
    assert -3 < score["tenth_copycat"] < -1  # its known blindness
    assert score["blurry"] > 3
    assert score["noise"] > 3


def test_ct_score_of_one_cell_is_scipys_mann_whitney(digits: dict[str, np.ndarray]) -> None:
    rounded = {name: np.round(4 * digits[name]) for name in ("train", "held_out", "real")}  # many ties
    fakes, control = (
        novelty.nearest(rounded["train"], rounded[name])[0][:, 0] for name in ("real", "held_out")
    )
    assert len(np.unique(fakes)) < len(fakes) / 2
    test = mannwhitneyu(fakes, control, use_continuity=False, method="asymptotic")
    found = novelty.ct_score(*rounded.values(), cells=1).value
    assert abs(found) == pytest.approx(abs(norm.isf(test.pvalue / 2)), rel=1e-9)
    assert np.sign(found) == np.sign(test.statistic - len(fakes) * len(control) / 2)


def test_ct_score_names_what_is_missing(digits: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="cells: none has 20 samples and 20 held-out rows"):
        novelty.ct_score(digits["train"], digits["held_out"], digits["real"][:10])


# Likelihoods


def test_fld_gap_of_the_controls(digits: dict[str, np.ndarray]) -> None:
    found = {
        name: novelty.fld(digits["train"], digits["held_out"], digits[name], steps=25)
        for name in ("real", "copycat", "tenth_copycat", "noise")
    }
    assert found["copycat"].gap.high < found["tenth_copycat"].gap.low
    assert found["tenth_copycat"].gap.high < found["real"].gap.value < 0
    assert found["real"].fld.high < found["copycat"].fld.low < found["noise"].fld.low


def test_fld_of_separate_clusters_is_analytic() -> None:
    """Two distant samples, each amid its cluster: the mixture is known, so is its likelihood of new data."""
    rng = np.random.default_rng(0)
    deviations = np.array([0.5, 2.0])
    draw: Callable[[], np.ndarray] = lambda: np.concatenate(  # noqa: E731
        [500 * i + s * rng.normal(size=(4000, 3)) for i, s in enumerate(deviations)]
    )
    train, held_out = draw(), draw()
    found = novelty.fld(
        train, held_out, np.array([[0.0] * 3, [500.0] * 3]), least_variance=1e-9, at_most=8000
    )
    scale = held_out.std(axis=0)
    entropy = np.log(2) / 3 + np.mean(np.log(deviations)) + 0.5 * np.log(2 * np.pi * np.e)
    assert found.fld.value == pytest.approx(100 * (entropy - np.log(scale).mean()), abs=1.5)
    assert found.gap.low < 0 < found.gap.high


# Memorisation distance, birthdays


def test_mifid_punishes_copies_only(digits: dict[str, np.ndarray]) -> None:
    train, real = digits["train"], digits["real"]
    plain = frechet_distance(train, real)
    unpunished = novelty.mifid(train, real, threshold=1e-6)
    assert unpunished == plain
    assert novelty.mifid(train, digits["copycat"]).value > 1e9
    direction = -3.0 * train[:100]  # |cos| = 1: neither length nor sign hides a copy
    assert novelty.mifid(train, direction).value > 1e9 * frechet_distance(train, direction).value


def test_mifid_divides_by_the_mean_cosine_distance(digits: dict[str, np.ndarray]) -> None:
    train, real = digits["train"], digits["real"]
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (train, real)]
    distance = (1 - np.abs(unit[1] @ unit[0].T)).min(axis=1).mean()
    expected = frechet_distance(train, real).value / distance
    assert novelty.mifid(train, real, threshold=1.0).value == pytest.approx(expected, rel=1e-9)


def test_birthday_support_of_uniform_outputs() -> None:
    rng = np.random.default_rng(0)
    found = novelty.birthday_support(rng.integers(0, 2000, (1500, 1)))
    assert found.support.low < 2 * np.log(2) * 2000 < found.support.high
    assert found.batch**2 == found.support.value
    by_trial = np.median([first_duplicate(rng.integers(0, 2000, 500)) for _ in range(2000)])
    assert found.batch == pytest.approx(by_trial, rel=0.1)


def first_duplicate(values: np.ndarray) -> int:
    """How many values until one comes twice."""
    seen: set[int] = set()
    for count, value in enumerate(values.tolist(), start=1):
        if value in seen:
            return count
        seen.add(value)
    return len(values) + 1


@pytest.mark.parametrize("skew", [False, True])
def test_the_interval_of_the_birthday_support_holds_it_for_skewed_outputs_too(skew: bool) -> None:
    """400 outputs, of which some are likelier: pairs of those go together, and independent ones cover 45 %."""
    shares = np.random.default_rng(0).dirichlet(np.full(400, 0.3)) if skew else np.full(400, 1 / 400)
    batch = (1 + (1 + 8 * np.log(0.5) / np.log1p(-(shares @ shares))) ** 0.5) / 2
    held = []
    for seed in range(200):
        outputs = np.random.default_rng(seed).choice(400, (200, 1), p=shares)
        for threshold in (0.0, 0.25):
            found = novelty.birthday_support(outputs, threshold=threshold).support
            held.append(found.low <= batch**2 <= found.high)
    assert 0.9 < np.mean(held) < 0.995


def test_birthday_support_counts_pairs_within_the_threshold() -> None:
    points = np.array([[0.0], [0.0], [0.0], [1.0], [5.0]])
    assert novelty.birthday_support(points).pairs == 3
    assert novelty.birthday_support(points, threshold=1.0).pairs == 6
    assert novelty.birthday_support(points, threshold=9.0).support.value == 1
    alone = novelty.birthday_support(np.arange(100.0)[:, None])
    assert alone.pairs == 0
    assert alone.support.value == np.inf
    assert 1000 < alone.support.low < 5000
    assert alone.support.as_dict()["value"] is None


# Shifted copies


@pytest.mark.parametrize("channels", [(), (2,)])
def test_shifted_copies_are_found_at_distance_zero(channels: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    train = rng.random((60, *channels, 9, 10))
    moves = [(0, 0), (1, 0), (-1, 1), (2, -2), (0, -2)]
    samples = np.stack([np.roll(train[10 + i], move, axis=(-2, -1)) for i, move in enumerate(moves)])
    found = novelty.shift_invariant_neighbours(train, samples, pixels=2)
    assert found.distances.tolist() == [0] * 5
    assert found.indices.tolist() == [10, 11, 12, 13, 14]
    assert [tuple(shift) for shift in found.shifts.tolist()] == moves
    near = novelty.shift_invariant_neighbours(train, samples, pixels=1)
    assert (near.distances > 0).tolist() == [False, False, False, True, True]


def test_no_shift_is_the_plain_neighbour(digits: dict[str, np.ndarray]) -> None:
    train, real = (digits[name].reshape(-1, 8, 8) for name in ("train", "real"))
    still = novelty.shift_invariant_neighbours(train, real, pixels=0)
    distances, indices = novelty.nearest(digits["train"], digits["real"])
    assert (still.distances == distances[:, 0]).all()
    assert (still.indices == indices[:, 0]).all()
    moved = novelty.shift_invariant_neighbours(train, real)
    assert (moved.distances <= still.distances).all()


def test_calibrating_shifted_distances_flags_shifted_copies(digits: dict[str, np.ndarray]) -> None:
    train, held_out, real = (digits[name].reshape(-1, 8, 8) for name in ("train", "held_out", "real"))
    planted = real.copy()
    planted[:50] = np.roll(train[:50], 1, axis=2)
    to_samples = novelty.shift_invariant_neighbours(train, planted)
    to_held_out = novelty.shift_invariant_neighbours(train, held_out)
    found = novelty.calibrate_distances(to_held_out.distances, to_samples.distances, to_samples.indices)
    assert found.flags[:50].all()
    assert found.flags[50:].mean() < 0.03
    plain = novelty.calibrate(digits["train"], digits["held_out"], planted.reshape(-1, 64), quantile=0.01)
    assert plain.flags[:50].mean() < 0.1  # pixels alone do not see them


def test_bytes_do_not_wrap_around_in_distances() -> None:
    train, samples = np.array([[250, 0]], dtype=np.uint8), np.array([[4, 0]], dtype=np.uint8)
    assert novelty.nearest(train, samples)[0][0, 0] == 246


def test_shifts_compete_by_distance_per_pixel() -> None:
    train, samples = np.random.default_rng(0).random((2, 20, 4, 5))
    expected = np.full(20, np.inf)
    for i, sample in enumerate(samples):
        for image in train:
            for r in (-1, 0, 1):
                for c in (-1, 0, 1):
                    cut = sample[max(r, 0) : 4 + min(r, 0), max(c, 0) : 5 + min(c, 0)]
                    other = image[max(-r, 0) : 4 + min(-r, 0), max(-c, 0) : 5 + min(-c, 0)]
                    expected[i] = min(expected[i], (20 * ((cut - other) ** 2).mean()) ** 0.5)
    assert novelty.shift_invariant_neighbours(train, samples).distances == pytest.approx(expected)
