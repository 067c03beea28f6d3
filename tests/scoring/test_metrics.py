"""Known answers of the metrics, and equality with independent implementations on the same features."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch
from sklearn.neighbors import NearestNeighbors

from genbench.scoring import metrics
from genbench.scoring.arrays import as_array
from genbench.scoring.estimates import resamplings, spread
from genbench.scoring.metrics import Estimate, balls
from genbench.scoring.metrics.balls import Balls, held

METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "frechet_distance": metrics.frechet_distance,
    "frechet_distance_infinity": lambda real, fake: metrics.frechet_distance_infinity(real, fake, seed=0),
    "kernel_distance": metrics.kernel_distance,
    "kernel_distance_subsets": lambda real, fake: metrics.kernel_distance(
        real, fake, subsets=5, subset_size=20
    ),
    "precision_recall": metrics.precision_recall,
    "density_coverage": metrics.density_coverage,
}


@pytest.fixture(scope="module")
def sets() -> tuple[np.ndarray, np.ndarray]:
    """Two correlated Gaussian samples of different mean and covariance: real (300, 12), fake (200, 12)."""
    rng = np.random.default_rng(7)
    real = rng.normal(size=(300, 12)) @ rng.normal(size=(12, 12))
    return real, rng.normal(size=(200, 12)) @ rng.normal(size=(12, 12)) + 0.5


def estimates(result: Any) -> list[Estimate]:
    return [result] if isinstance(result, Estimate) else list(result)


# Laws of every two-sample metric


@pytest.mark.parametrize("name", METRICS)
def test_same_arguments_give_same_bits_whatever_the_global_seed(
    name: str, sets: tuple[np.ndarray, np.ndarray]
) -> None:
    np.random.seed(1)
    first = METRICS[name](*sets)
    np.random.seed(2)
    assert METRICS[name](*sets) == first


@pytest.mark.parametrize("name", METRICS)
def test_interval_holds_the_value_and_n_counts_the_fakes(
    name: str, sets: tuple[np.ndarray, np.ndarray]
) -> None:
    results = estimates(METRICS[name](*sets))
    for result in results:
        assert result.low < result.value < result.high
    assert results[0].n == len(sets[1])


@pytest.mark.parametrize("name", METRICS)
def test_torch_and_numpy_agree_to_the_bit(name: str, sets: tuple[np.ndarray, np.ndarray]) -> None:
    as_torch = [torch.from_numpy(x).requires_grad_() for x in sets]
    assert METRICS[name](*as_torch) == METRICS[name](*sets)


@pytest.mark.parametrize(
    "name", ["frechet_distance", "kernel_distance", "precision_recall", "density_coverage"]
)
def test_order_of_rows_does_not_matter(name: str, sets: tuple[np.ndarray, np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    shuffled = [x[rng.permutation(len(x))] for x in sets]
    for a, b in zip(estimates(METRICS[name](*shuffled)), estimates(METRICS[name](*sets)), strict=True):
        assert a.value == pytest.approx(b.value, rel=1e-10)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (np.full((50, 12), np.nan), "fake: 600 values are NaN or infinite, expected finite numbers"),
        (np.zeros((50, 11)), r"fake: rows of shape \(11,\), expected \(12,\) as in real"),
        (np.zeros(50), r"fake: shape \(50,\), expected 2 axes"),
        (np.zeros((0, 12)), "fake: 0 rows, expected at least"),
        (np.zeros((50, 12), dtype=complex), "fake: dtype complex128, expected real numbers"),
    ],
)
def test_bad_input_is_named(
    name: str, broken: np.ndarray, message: str, sets: tuple[np.ndarray, np.ndarray]
) -> None:
    with pytest.raises(ValueError, match=message):
        METRICS[name](sets[0], broken)


def test_torch_dtypes_convert() -> None:
    x = torch.tensor([[1.5, -2.0]], requires_grad=True)
    assert as_array(x).tolist() == [[1.5, -2.0]]
    assert as_array(x.to(torch.bfloat16)).tolist() == [[1.5, -2.0]]


def test_import_needs_neither_torch_nor_scipy() -> None:
    code = (
        "import sys, genbench.scoring.metrics, genbench.scoring.novelty;"
        "print([m for m in ('torch', 'scipy', 'sklearn') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


# Intervals


def test_clopper_pearson_is_scipys_exact_interval() -> None:
    for successes, n in ((0, 10), (3, 50), (50, 50), (499, 500)):
        exact = scipy.stats.binomtest(successes, n).proportion_ci(method="exact")
        assert metrics.clopper_pearson(successes, n)[1:3] == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_estimate_as_dict_is_plain_json() -> None:
    assert Estimate(1.0, -np.inf, 2.0, 3).as_dict() == {"value": 1.0, "low": None, "high": 2.0, "n": 3}


# Fréchet distance


def test_frechet_of_identical_sets_is_zero(sets: tuple[np.ndarray, np.ndarray]) -> None:
    for real in (sets[0], sets[0][:8], sets[0][:, :1]):  # d < n, n < d, d = 1
        assert metrics.frechet_distance(real, real).value == pytest.approx(0, abs=1e-9)


def test_frechet_of_a_shift_is_its_squared_length(sets: tuple[np.ndarray, np.ndarray]) -> None:
    shift = np.arange(12.0)
    for real in (sets[0], sets[0][:8]):
        found = metrics.frechet_distance(real, real + shift).value
        assert found == pytest.approx(shift @ shift, rel=1e-9)


def test_frechet_of_a_scaling_is_analytic(sets: tuple[np.ndarray, np.ndarray]) -> None:
    """Covariances C and 9C commute: the distance is ‖2μ‖² + (3−1)² tr C."""
    real = sets[0]
    expected = 4 * real.mean(0) @ real.mean(0) + 4 * np.trace(np.cov(real, rowvar=False))
    assert metrics.frechet_distance(real, 3 * real).value == pytest.approx(expected, rel=1e-10)


def test_frechet_approaches_the_known_distance_of_two_gaussians() -> None:
    rng = np.random.default_rng(0)
    scales1, scales2, mean = np.array([1.0, 2, 3, 4]), np.array([2.0, 2, 1, 4]), np.array([1.0, 0, -1, 0])
    exact = mean @ mean + ((scales1 - scales2) ** 2).sum()
    moments = (0 * mean, np.diag(scales1**2), mean, np.diag(scales2**2))
    assert metrics.gaussian_frechet_distance(*moments) == pytest.approx(exact, rel=1e-12)
    found = metrics.frechet_distance(
        rng.normal(size=(20000, 4)) * scales1, rng.normal(size=(20000, 4)) * scales2 + mean
    )
    assert found.low < exact < found.high
    assert found.value == pytest.approx(exact, rel=0.05)


def test_frechet_equals_scipy_sqrtm_and_torch_fidelity(sets: tuple[np.ndarray, np.ndarray]) -> None:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    real, fake = sets
    cov1, cov2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    gap = real.mean(0) - fake.mean(0)
    root = np.trace(scipy.linalg.sqrtm(cov1 @ cov2)).real
    found = metrics.frechet_value(real, fake)
    assert found == metrics.frechet_distance(real, fake).value
    assert found == pytest.approx(gap @ gap + np.trace(cov1) + np.trace(cov2) - 2 * root, rel=1e-9)
    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in sets]
    theirs = fid_statistics_to_metric(*statistics, False)["frechet_inception_distance"]
    assert found == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rank", [100, 90])
def test_frechet_of_many_rows_equals_that_of_numpys_moments(rank: int, dtype: type) -> None:
    """More rows than one block of the covariance, far from the origin, of full and of lower rank."""
    rng = np.random.default_rng(0)
    real = (rng.normal(size=(9000, 100)) * np.geomspace(1, 0.01, 100)).astype(dtype)
    fake = (rng.normal(size=(8000, 100)) * np.geomspace(0.5, 0.02, 100)).astype(dtype)
    real[:, rank:] = real[:, : 100 - rank]
    real, fake = real + dtype(1000), fake + dtype(1001)
    kept = real.copy(), fake.copy()
    moments = [m for x in kept for m in (x.mean(axis=0, dtype=np.float64), np.cov(x, rowvar=False))]
    found = metrics.frechet_value(real, fake)
    assert found == pytest.approx(metrics.gaussian_frechet_distance(*moments), rel=1e-10)
    assert found == metrics.frechet_value(kept[0].astype(np.float64), kept[1].astype(np.float64))
    assert (real == kept[0]).all() and (fake == kept[1]).all()
    spread = float(np.trace(moments[1]))
    assert metrics.frechet_value(real, real) == pytest.approx(0, abs=1e-9 * spread)


def test_frechet_with_fewer_rows_than_features_is_exact(sets: tuple[np.ndarray, np.ndarray]) -> None:
    """Zero-padding to d > n keeps the distance, and takes the other route through the code."""
    real, fake = (x[:40] for x in sets)
    padded = [np.pad(x, ((0, 0), (0, 60))) for x in (real, fake)]
    turn = scipy.stats.ortho_group.rvs(72, random_state=0)
    exact = metrics.frechet_distance(real, fake)
    wide = metrics.frechet_distance(padded[0] @ turn, padded[1] @ turn)
    assert wide.value == pytest.approx(exact.value, rel=1e-10)
    assert wide.high == pytest.approx(exact.high, rel=1e-8)  # the same resamplings, the same distances


@pytest.mark.parametrize("spoil", ["constant", "repeated", "nearly repeated", "everything"])
def test_frechet_of_rank_deficient_sets(spoil: str, sets: tuple[np.ndarray, np.ndarray]) -> None:
    real, fake = (x.copy() for x in sets)
    if "repeated" in spoil:
        real[:, 4] = real[:, 5] + (spoil == "nearly repeated") * 1e-6 * real[:, 6]
    else:
        real[:, 3 if spoil == "constant" else slice(None)] = 1.0
    cov1, cov2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    gap = real.mean(0) - fake.mean(0)
    values, vectors = np.linalg.eigh(cov1)
    half = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    root = np.sqrt(np.maximum(np.linalg.eigvalsh(half @ cov2 @ half), 0)).sum()
    expected = gap @ gap + np.trace(cov1) + np.trace(cov2) - 2 * root
    assert metrics.frechet_distance(real, fake).value == pytest.approx(expected, rel=1e-6)
    assert metrics.frechet_distance(real, real).value == pytest.approx(0, abs=1e-9)
    scaled = 4 * (real.mean(0) @ real.mean(0) + np.trace(cov1))  # of C and 9C, whatever their rank
    assert metrics.frechet_value(real, 3 * real) == pytest.approx(scaled, rel=1e-10)
    assert np.isfinite(metrics.frechet_distance(real, fake, bootstrap=0)).all()


def test_frechet_on_bytes_does_not_wrap_around() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 100, 6), dtype=np.uint8)
    expected = metrics.frechet_distance(a.astype(float), b.astype(float))
    assert metrics.frechet_distance(a, b) == expected


def test_frechet_intervals_match_the_scatter_over_fresh_samples() -> None:
    """Bootstrap and first-order standard errors against 200 independent draws of both sets."""
    rng = np.random.default_rng(3)
    draws = [
        metrics.frechet_distance(rng.normal(size=(150, 4)), 1.5 * rng.normal(size=(100, 4)) + 1, bootstrap=0)
        for _ in range(200)
    ]
    scatter = np.std([draw.value for draw in draws], ddof=1)
    first_order = np.mean([(draw.high - draw.value) / 1.96 for draw in draws])
    resampled = metrics.frechet_distance(rng.normal(size=(150, 4)), 1.5 * rng.normal(size=(100, 4)) + 1)
    assert first_order == pytest.approx(scatter, rel=0.2)
    assert (resampled.high - resampled.value) / 1.96 == pytest.approx(scatter, rel=0.4)


def test_frechet_infinity_takes_the_bias_away() -> None:
    """Equal distributions: the distance at 400 samples is biased upward, its extrapolation is not."""
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(20000, 16)), rng.normal(size=(400, 16))
    biased = metrics.frechet_distance(real, fake, bootstrap=2).value
    found = metrics.frechet_distance_infinity(real, fake, seed=0)
    assert biased > 0.15
    assert abs(found.value) < biased / 3
    assert metrics.frechet_distance_infinity(real, fake, seed=1).value != found.value


# Inception Score


def test_inception_score_of_known_predictions() -> None:
    sure = np.tile(np.eye(10), (30, 1))
    assert metrics.inception_score(sure).value == pytest.approx(10)
    assert metrics.inception_score(np.full((100, 10), 0.1)).value == pytest.approx(1)
    one_mode = np.tile(np.eye(10)[:1], (100, 1))
    assert metrics.inception_score(one_mode)[:3] == pytest.approx((1, 1, 1))


def test_inception_score_equals_torch_fidelity() -> None:
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = torch.from_numpy(3 * np.random.default_rng(0).normal(size=(503, 10)))
    theirs = isc_features_to_metric(logits, splits=10, shuffle=False)
    ours = metrics.inception_score(logits.softmax(1))
    splits = metrics.inception_score_splits(logits.softmax(1))
    assert ours.value == pytest.approx(theirs["inception_score_mean"], rel=1e-12)
    assert splits.std() == pytest.approx(theirs["inception_score_std"], rel=1e-9)
    assert ours.high - ours.low < 4 * splits.std()  # not the std between splits


def test_inception_score_wants_probabilities() -> None:
    with pytest.raises(ValueError, match="probabilities: least -1, row sums off by"):
        metrics.inception_score([[-1.0, 1.0]] * 20)
    with pytest.raises(ValueError, match="splits: 10, expected 1 to 3, the number of rows"):
        metrics.inception_score(np.full((3, 2), 0.5))


# Replicates under given resamplings


def repeated(rows: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.repeat(rows, draws.astype(int), axis=0)


def test_resamplings_draw_as_many_rows_as_there_are() -> None:
    draws = resamplings(50, 2000, seed=3)
    assert draws.shape == (2000, 50)
    assert (draws.sum(axis=1) == 50).all()
    assert draws.mean(axis=0) == pytest.approx(np.ones(50), abs=0.15)
    assert (draws == resamplings(50, 2000, seed=3)).all()
    assert (draws != resamplings(50, 2000, seed=4)).any()


def test_replicates_without_resampling_are_the_score_itself(sets: tuple[np.ndarray, np.ndarray]) -> None:
    once = [np.ones((1, len(rows))) for rows in sets]
    values = metrics.frechet_value(*sets), metrics.kernel_distance(*sets).value
    for replicates, value in zip(
        (metrics.frechet_replicates, metrics.kernel_replicates), values, strict=True
    ):
        found, linear, rest = replicates(*sets, *once)
        assert found == pytest.approx(value)
        assert linear[0] == pytest.approx(value)
        assert rest[0] == pytest.approx(0, abs=1e-9)


def test_replicates_are_the_scores_of_resampled_sets(sets: tuple[np.ndarray, np.ndarray]) -> None:
    real, fake = sets[0][:40], sets[1][:30]
    w, v = resamplings(40, 2, seed=1), resamplings(30, 2, seed=2)
    fid, kid = (
        found.linear + found.rest
        for found in (
            metrics.frechet_replicates(real, fake, w, v),
            metrics.kernel_replicates(real, fake, w, v),
        )
    )
    for b in range(2):
        x, y = repeated(real, w[b]), repeated(fake, v[b])
        assert fid[b] == pytest.approx(metrics.frechet_value(x, y), rel=1e-8)
        own_x, own_y = repeated(np.arange(40), w[b]), repeated(np.arange(30), v[b])
        k_xx, k_yy, k_xy = ((p @ q.T / 12 + 1) ** 3 for p, q in ((x, x), (y, y), (x, y)))
        apart_x, apart_y = own_x[:, None] != own_x, own_y[:, None] != own_y
        expected = k_xx[apart_x].mean() + k_yy[apart_y].mean() - 2 * k_xy.mean()
        assert kid[b] == pytest.approx(expected, rel=1e-9)


def test_one_pass_gives_the_four_manifold_scores(sets: tuple[np.ndarray, np.ndarray]) -> None:
    found = metrics.manifolds(*sets)
    separate = [e.value for e in (*metrics.precision_recall(*sets), *metrics.density_coverage(*sets))]
    assert [float(value) for value in found] == separate
    assert 0 < found.precision < 1


@pytest.mark.parametrize("step", [0.0, 0.5])
def test_balls_are_decided_exactly_at_their_boundary(step: float) -> None:
    """Points of a grid, where most distances tie with a radius; far from the origin, where products lose digits."""
    rng = np.random.default_rng(0)
    x, y = (rng.integers(0, 3, (n, 3)) + 1e4 + step * rng.random((n, 3)) for n in (60, 50))
    distance = np.sqrt(((x[:, None] - y) ** 2).sum(-1))
    radii, other = distance[:, 7].copy(), distance[3].copy()
    found, _ = held(x, y, [Balls(radii, True), Balls(radii, False)], [Balls(other, True)])
    inside = (
        distance <= radii[:, None],
        (distance < radii[:, None]) | (distance == 0),
        distance <= other,
    )
    for counts, expected, axis in zip(found, inside, (0, 0, 1), strict=True):
        assert (counts.points == expected.sum(axis=axis)).all()
        assert (counts.balls == expected.sum(axis=1 - axis)).all()


@pytest.mark.parametrize("kind", ["normal", "grid"])
def test_large_sets_have_the_same_scores(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbours by float32 products, of which only those at a boundary are measured; on a grid nearly all tie."""
    rng = np.random.default_rng(0)
    draw = {"normal": lambda n: rng.normal(size=(n, 5)), "grid": lambda n: rng.integers(0, 3, (n, 3)) + 1e4}[
        kind
    ]
    x, y = draw(300), draw(200)
    keys = rng.random((20, 300)), rng.random((20, 200))
    before = metrics.manifold_replicates(x, y, *keys)
    monkeypatch.setattr(balls, "LARGE", 0)
    monkeypatch.setattr(balls, "TILE", 5000)
    after = metrics.manifold_replicates(x, y, *keys)
    assert before.values == after.values
    if kind == "normal":
        np.testing.assert_allclose(before.replicates, after.replicates, atol=1e-9)


def test_errors_of_the_manifold_scores_are_their_scatter_over_fresh_sets() -> None:
    """Over 60 draws; the binomial error of precision and coverage, the balls held fixed, is too small."""
    rng = np.random.default_rng(2)
    wide = np.linspace(0.3, 2, 8)
    found = []
    for _ in range(60):
        x, y = (rng.normal(size=(160, 8)) * wide * by for by in (1, 1.2))
        scores, replicates = metrics.manifold_replicates(x, y, rng.random((30, 160)), rng.random((30, 160)))
        found.append((scores, [each.std(ddof=1) for each in replicates]))
    values, errors = (np.array(part, float) for part in zip(*found, strict=True))
    ratio = np.sqrt((errors**2).mean(axis=0)) / values.std(axis=0, ddof=1)
    assert (ratio > 0.8).all() and (ratio < 1.25).all()
    binomial = np.sqrt((values * (1 - values)).mean(axis=0).clip(0) / 160) / values.std(axis=0, ddof=1)
    assert max(binomial[0], binomial[3]) < 0.85


def test_halves_with_few_elements_of_a_cluster_state_no_less_error_than_there_is() -> None:
    """Eight elements of each of ten clusters, of which a half has four: the third neighbour is in another cluster."""
    rng = np.random.default_rng(5)
    middles = 4 * rng.normal(size=(10, 6))
    found = []
    for _ in range(80):
        x, y = (middles[rng.integers(0, 10, 80)] + by * rng.normal(size=(80, 6)) for by in (1, 1.4))
        scores, replicates = metrics.manifold_replicates(x, y, rng.random((40, 80)), rng.random((40, 80)))
        found.append((scores, [each.std(ddof=1) for each in replicates]))
    values, errors = (np.array(part, float) for part in zip(*found, strict=True))
    ratio = np.sqrt((errors**2).mean(axis=0)) / values.std(axis=0, ddof=1)
    assert (ratio > 0.9).all(), ratio
    assert (ratio[[0, 2, 3]] < 1.25).all(), "but of recall, which is next to 1"


def test_inception_score_replicates_make_its_interval() -> None:
    p = np.random.default_rng(0).dirichlet(np.full(5, 0.3), size=200)
    replicates = metrics.inception_score_replicates(p, bootstrap=400, seed=1)
    estimate = metrics.inception_score(p, bootstrap=400, seed=1)
    assert replicates.shape == (400,)
    assert (estimate.high - estimate.low) / 2 == pytest.approx(1.96 * spread(replicates), rel=1e-3)
    assert replicates.mean() == pytest.approx(estimate.value, abs=4 * spread(replicates) / 400**0.5)


def test_error_of_the_inception_score_is_its_scatter_over_fresh_samples() -> None:
    """Parts of 16 samples, where a bootstrap states three quarters of it."""
    rng = np.random.default_rng(3)
    found = []
    for seed in range(150):
        p = rng.dirichlet(np.full(5, 0.3), size=160)
        found.append(metrics.inception_score(p, bootstrap=60, seed=seed))
    values, low, high = (np.array([each[i] for each in found]) for i in range(3))
    ratio = np.sqrt(((high - low) ** 2).mean()) / (2 * 1.96) / values.std(ddof=1)
    assert 0.85 < ratio < 1.2
    assert ((low <= values.mean()) & (values.mean() <= high)).mean() > 0.9


def test_a_part_of_one_sample_has_no_halves() -> None:
    assert not metrics.inception_score(np.eye(5), splits=5).has_interval


# Kernel distance


def test_kernel_distance_is_the_plain_double_sum(sets: tuple[np.ndarray, np.ndarray]) -> None:
    real, fake = sets[0][:15], sets[1][:9]
    d = real.shape[1]
    k = {
        pair: np.array([[(a @ b / d + 1) ** 3 for b in right] for a in left])
        for pair, left, right in (("xx", real, real), ("yy", fake, fake), ("xy", real, fake))
    }
    expected = (
        (k["xx"].sum() - np.trace(k["xx"])) / (15 * 14)
        + (k["yy"].sum() - np.trace(k["yy"])) / (9 * 8)
        - 2 * k["xy"].mean()
    )
    assert metrics.kernel_distance(real, fake).value == pytest.approx(expected, rel=1e-10)


def test_kernel_distance_equals_torch_fidelity(sets: tuple[np.ndarray, np.ndarray]) -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    real, fake = (torch.from_numpy(x[:200]) for x in sets)
    whole = {"kid_subsets": 1, "kid_subset_size": 200, "verbose": False}
    theirs = kid_features_to_metric(real, fake, **whole)["kernel_inception_distance_mean"]
    assert metrics.kernel_distance(real, fake).value == pytest.approx(theirs, rel=1e-9)
    once = metrics.kernel_distance(real, fake, subsets=1, subset_size=200)
    assert once.value == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_kernel_distance_is_unbiased_and_its_error_is_right(shift: float) -> None:
    """Over 400 fresh draws: the mean is the true value, the stated variance is theirs."""
    rng = np.random.default_rng(5)
    found = [
        metrics.kernel_distance(rng.normal(size=(40, 3)), rng.normal(size=(30, 3)) + shift)
        for _ in range(400)
    ]
    values = np.array([f.value for f in found])
    error = np.array([(f.high - f.value) / 1.96 for f in found])
    ratio = (error**2).mean() / values.var(ddof=1)
    assert 0.7 < ratio < 1.8  # first-order formulas give 2 or more for equal distributions
    # E (x·y/d + 1)³ over independent normals with means p, q: 1 + 3s + 3E t² + E t³, t = x·y/d, s = p·q/d
    d, square = 3, 3 * shift**2

    def expected(p2: float, q2: float, s: float) -> float:
        second = (s * d) ** 2 + p2 + q2 + d
        third = (s * d) ** 3 + 3 * s * d * (p2 + q2) + (3 * d + 6) * s * d
        return 1 + 3 * s + 3 * second / d**2 + third / d**3

    truth = expected(0, 0, 0) + expected(square, square, square / d) - 2 * expected(0, square, 0)
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / 20)
    assert values.min() < 0


def test_kernel_distance_subsets_are_seeded_and_agree_with_the_whole(
    sets: tuple[np.ndarray, np.ndarray],
) -> None:
    whole = metrics.kernel_distance(*sets)
    some = [metrics.kernel_distance(*sets, subsets=50, subset_size=50, seed=s).value for s in (0, 0, 1)]
    assert some[0] == some[1] != some[2]
    assert some[0] == pytest.approx(whole.value, rel=0.2)
    many = metrics.kernel_distance(*sets, subsets=400, subset_size=150)
    assert many.high - many.low == pytest.approx(whole.high - whole.low, rel=0.05), (
        "the data's error is the same"
    )
    with pytest.raises(ValueError, match="subset_size: 1000, expected 2 to 200"):
        metrics.kernel_distance(*sets, subsets=100)


# Precision, recall, density, coverage


def test_prdc_equals_the_published_code(sets: tuple[np.ndarray, np.ndarray]) -> None:
    from prdc import compute_prdc

    real, fake = sets
    for k in (1, 3, 5):
        theirs = compute_prdc(real, fake, k)
        manifold, density = (
            metrics.precision_recall(real, fake, k=k),
            metrics.density_coverage(real, fake, k=k),
        )
        ours = [*manifold, *density]
        names = ("precision", "recall", "density", "coverage")
        assert [x.value for x in ours] == pytest.approx([theirs[name] for name in names], rel=1e-12)


def test_precision_recall_equals_torch_fidelity(sets: tuple[np.ndarray, np.ndarray]) -> None:
    from torch_fidelity.metric_prc import prc_features_to_metric

    real, fake = (torch.from_numpy(x) for x in sets)
    theirs = prc_features_to_metric(fake, real, verbose=False)
    ours = metrics.precision_recall(real, fake)
    assert ours.precision.value == pytest.approx(theirs["precision"], rel=1e-6)  # they average in float32
    assert ours.recall.value == pytest.approx(theirs["recall"], rel=1e-6)


def test_mode_drop_lowers_recall_and_coverage_only() -> None:
    """Two distant clusters, of which the fakes hit one: precision stays, recall halves, never the reverse."""
    rng = np.random.default_rng(0)
    real = rng.normal(size=(400, 3)) + 100 * (np.arange(400) % 2)[:, None]
    fake = rng.normal(size=(400, 3))
    manifold, spread = metrics.precision_recall(real, fake), metrics.density_coverage(real, fake)
    assert manifold.precision.value > 0.9
    assert manifold.recall.value < 0.5
    assert spread.coverage.value <= 0.5
    swapped = metrics.precision_recall(fake, real)
    assert swapped.precision.value == manifold.recall.value
    assert swapped.recall.value == manifold.precision.value


def test_manifolds_of_identical_and_disjoint_sets(sets: tuple[np.ndarray, np.ndarray]) -> None:
    real = sets[0]
    manifold, spread = metrics.precision_recall(real, real), metrics.density_coverage(real, real)
    assert [*(x.value for x in manifold), spread.density.value, spread.coverage.value] == [1, 1, 1, 1]
    far = metrics.precision_recall(real, real + 1e4), metrics.density_coverage(real, real + 1e4)
    assert [x.value for result in far for x in result] == [0, 0, 0, 0]


def test_density_and_coverage_of_equal_distributions() -> None:
    """E density = 1 and E coverage = 1 − 2⁻ᵏ (nearly: 1 − (n choose k)/(2n choose k)), whatever the data."""
    rng = np.random.default_rng(0)
    n, k = 300, 5
    found = [metrics.density_coverage(*rng.normal(size=(2, n, 4)), k=k) for _ in range(40)]
    exact = 1 - np.prod([(n - 1 - i) / (2 * n - 1 - i) for i in range(k)])
    assert exact == pytest.approx(1 - 2.0**-k, abs=0.001)
    assert np.mean([f.coverage.value for f in found]) == pytest.approx(exact, abs=0.006)
    assert np.mean([f.density.value for f in found]) == pytest.approx(1, abs=0.03)


def test_a_copied_sample_repeated_has_density_without_coverage(sets: tuple[np.ndarray, np.ndarray]) -> None:
    real = sets[0]
    spread = metrics.density_coverage(real, np.repeat(real[:1], 200, axis=0))
    assert spread.coverage.value < 0.2
    assert metrics.precision_recall(real, np.repeat(real[:1], 200, axis=0)).precision.value == 1


def test_exact_copies_of_duplicates_are_covered() -> None:
    """Radius 0: an open ball would be empty and call perfect samples uncovered."""
    real = np.repeat(np.eye(4), 10, axis=0)
    spread = metrics.density_coverage(real, real)
    assert spread.coverage.value == 1
    assert spread.density.value == 2  # ten balls around each fake, over k = 5


# Neighbours


@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("kind", ["float32", "float64", "uint8", "binary", "far", "outlier"])
def test_nearest_equals_direct_search(kind: str, k: int) -> None:
    rng = np.random.default_rng(0)
    train, queries = rng.normal(size=(900, 9)), rng.normal(size=(1100, 9))
    make: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "float32": lambda x: x.astype(np.float32),
        "float64": lambda x: x,
        "uint8": lambda x: (40 * x + 128).clip(0, 255).astype(np.uint8),
        "binary": lambda x: x > 1,
        "far": lambda x: x + 1e6,
        "outlier": lambda x: np.where(x > 3, 1e7 * x, x),
    }
    train, queries = make[kind](train), make[kind](queries)
    queries[:100] = train[:100]
    gap = queries[:, None].astype(np.float64) - train[None].astype(np.float64)
    distance = np.sqrt((gap * gap).sum(axis=2))
    order = np.argsort(distance, axis=1, kind="stable")[:, :k]
    found, indices = metrics.nearest(train, queries, k=k)
    assert (indices == order).all()
    assert (found == np.take_along_axis(distance, order, axis=1)).all()
    assert (found[:100, 0] == 0).all()


def test_nearest_equals_scikit_learn_over_many_tiles() -> None:
    rng = np.random.default_rng(1)
    train, queries = rng.normal(size=(20000, 5)), rng.normal(size=(1500, 5))
    theirs, where = NearestNeighbors(n_neighbors=3, algorithm="kd_tree").fit(train).kneighbors(queries)
    found, indices = metrics.nearest(train, queries, k=3)
    assert (indices == where).all()
    assert found == pytest.approx(theirs, rel=1e-12)


def test_nearest_of_copies_is_zero_where_the_expansion_is_not() -> None:
    train = np.random.default_rng(0).normal(size=(500, 300)) + 100
    squares = (train**2).sum(axis=1)
    expansion = squares[:, None] + squares[None] - 2 * train @ train.T
    assert np.abs(np.diag(expansion)).max() > 0  # why the library measures again
    distances, indices = metrics.nearest(train, train)
    assert (distances == 0).all()
    assert (indices[:, 0] == np.arange(500)).all()


def test_nearest_among_many_duplicates_names_the_first() -> None:
    train = np.concatenate([np.zeros((3000, 4)), np.ones((5, 4))])
    distances, indices = metrics.nearest(train, [[0.0] * 4, [1.0] * 4], k=2)
    assert distances.tolist() == [[0, 0], [0, 0]]
    assert indices.tolist() == [[0, 1], [3000, 3001]]


def test_nearest_others_leaves_out_itself_but_not_duplicates() -> None:
    points = np.array([[0.0], [0.0], [0.0], [0.0], [5.0], [7.0]])
    distances, indices = metrics.nearest_others(points, k=2)
    assert distances.tolist() == [[0, 0]] * 4 + [[2, 5], [2, 7]]
    assert all(row not in found for row, found in enumerate(indices.tolist()))


@pytest.mark.parametrize("offset", [0.0, 1e7])
def test_ball_counts_decide_the_boundary_exactly(offset: float) -> None:
    rng = np.random.default_rng(0)
    centres, points = rng.random((80, 7)) / 3 + offset, rng.random((90, 7)) / 3 + offset
    gap = points[:, None] - centres[None]
    distance = np.sqrt((gap * gap).sum(axis=2))
    radii = np.sort(distance, axis=0)[8]  # each the exact distance of one point
    assert (metrics.ball_counts(centres, radii, points, closed=True) == (distance <= radii).sum(axis=1)).all()
    assert (metrics.ball_counts(centres, radii, points, closed=False) == (distance < radii).sum(axis=1)).all()


def test_nearest_names_bad_k() -> None:
    with pytest.raises(ValueError, match="k: 4, expected 1 to 3, the number of training rows"):
        metrics.nearest(np.eye(3), np.eye(3), k=4)
    with pytest.raises(ValueError, match="queries: rows of shape"):
        metrics.nearest(np.eye(3), np.eye(4))


# Modes


def test_class_histogram_and_total_variation() -> None:
    assert metrics.class_histogram([0, 0, 2, 1], 4).tolist() == [0.5, 0.25, 0.25, 0]
    assert metrics.total_variation([0.5, 0.5, 0], [0, 0.5, 0.5]) == 0.5
    assert metrics.total_variation([1.0, 0], [0, 1.0]) == 1
    with pytest.raises(ValueError, match="labels: values 0 to 4, expected integers 0 to 3"):
        metrics.class_histogram([0, 4], 4)
    with pytest.raises(ValueError, match="q: 3 classes, expected 2 as in p"):
        metrics.total_variation([1.0, 0], [0, 1.0, 0])


def test_mode_coverage_counts_the_modes_hit() -> None:
    rng = np.random.default_rng(0)
    centres = 10.0 * np.array([(i, j) for i in range(5) for j in range(5)])
    points = centres[rng.integers(0, 20, 4000)] + 0.1 * rng.normal(size=(4000, 2))  # five modes dropped
    points[:400] += 5
    found = metrics.mode_coverage(points, centres, 0.1)
    assert found.covered.value == 20
    assert found.quality.value == pytest.approx(0.9 * (1 - np.exp(-4.5)), abs=0.01)  # 3σ in two dimensions
    exact = metrics.mode_coverage(centres[:20], centres, 0.1)
    assert exact.kl.value == pytest.approx(np.log(25 / 20))
    assert metrics.mode_coverage(centres, centres, 0.1).kl.value == pytest.approx(0, abs=1e-12)


def test_the_number_of_modes_hit_has_an_interval_where_all_are_hit() -> None:
    """300 points, eight modes, one of them of 1 %: 7.95 are hit on average, 8 nearly always."""
    p = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.06, 0.03, 0.01])
    expected = float((1 - (1 - p) ** 300).sum())
    hits = np.random.default_rng(0).multinomial(300, p, size=200)
    found = [metrics.covered_interval(each, draws=200) for each in hits]
    assert np.mean([e.low <= expected <= e.high for e in found]) > 0.9
    assert all(e.low <= e.value <= e.high <= 8 for e in found)
    ample = metrics.covered_interval(np.full(8, 40))
    assert ample.low == pytest.approx(8, abs=1e-6)
    rare = np.random.default_rng(1).poisson(0.5, (200, 50))  # 50 modes of which 20 are hit
    found = [metrics.covered_interval(each, draws=200) for each in rare]
    assert np.mean([e.low <= 50 * (1 - np.exp(-0.5)) <= e.high for e in found]) > 0.93


def test_mode_coverage_of_labels() -> None:
    found = metrics.mode_coverage_labels(np.repeat(np.arange(500), 2), 1000)
    assert found.covered.value == 500
    assert found.kl.value == pytest.approx(np.log(2))
    skewed = metrics.mode_coverage_labels([0, 0, 0, 1], 2, weights=[0.75, 0.25])
    assert skewed.kl.value == pytest.approx(0, abs=1e-12)


# Diversity


def test_vendi_counts_different_samples() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.eye(20)[:5], 30, axis=0) * rng.uniform(1, 3, (150, 1))
    assert metrics.vendi_score(groups).value == pytest.approx(5)
    assert metrics.vendi_score(np.eye(20)).value == pytest.approx(20)
    assert metrics.vendi_score(np.tile([[1.0, 2.0]], (40, 1)))[:3] == pytest.approx((1, 1, 1), abs=1e-9)
    with pytest.raises(ValueError, match="features: 1 rows are all zeros, expected non-zero rows"):
        metrics.vendi_score([[1.0, 0], [0, 0]])


@pytest.mark.parametrize("n", [8, 100])
def test_vendi_equals_its_definition_on_both_sides_of_n_equals_d(n: int) -> None:
    x = np.random.default_rng(0).normal(size=(n, 12))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(unit @ unit.T / n)
    values = values[values > 1e-12]
    assert metrics.vendi_score(x).value == pytest.approx(np.exp(-(values * np.log(values)).sum()), rel=1e-10)


def test_ms_ssim_of_equal_and_of_constant_images() -> None:
    rng = np.random.default_rng(0)
    images = rng.random((3, 28, 28))
    assert metrics.ms_ssim(images, images) == pytest.approx(1)
    a, b = 0.2, 0.7  # contrast terms are 1, the luminance term counts at the last of two scales
    luminance = (2 * a * b + 1e-4) / (a * a + b * b + 1e-4)
    weight = 0.2856 / (0.0448 + 0.2856)
    found = metrics.ms_ssim(np.full((1, 28, 28), a), np.full((1, 28, 28), b))
    assert found == pytest.approx(luminance**weight, rel=1e-9)


def test_ms_ssim_of_one_scale_is_the_plain_sum_over_windows() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 16, 16))
    b = (a + b) / 2
    ticks = np.arange(11) - 5
    window = np.exp(-(ticks[:, None] ** 2 + ticks[None] ** 2) / 4.5)
    window /= window.sum()
    terms = []
    for i in range(6):
        for j in range(6):
            x, y = a[i : i + 11, j : j + 11], b[i : i + 11, j : j + 11]
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cov = (window * (x - mx) * (y - my)).sum()
            terms.append((2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4) * (2 * cov + 9e-4) / (vx + vy + 9e-4))
    assert metrics.ms_ssim(a[None], b[None])[0] == pytest.approx(np.mean(terms), rel=1e-9)
    assert metrics.ms_ssim(255 * a[None], 255 * b[None], data_range=255)[0] == pytest.approx(np.mean(terms))


def test_the_error_of_ms_ssim_counts_that_pairs_share_images() -> None:
    """1,000 pairs of 30 images, over fresh images: taken as independent they would scatter a third as much."""
    rng = np.random.default_rng(0)
    found = [
        metrics.ms_ssim_diversity(
            np.clip(
                0.5 + rng.normal(0, 0.3, (30, 1, 1)) * np.ones((30, 8, 8)) + rng.normal(0, 0.1, (30, 8, 8)),
                0,
                1,
            ),
            pairs=1000,
            seed=i,
        )
        for i in range(60)
    ]
    scatter = np.std([e.value for e in found], ddof=1)
    assert np.mean([(e.high - e.low) / 3.92 for e in found]) == pytest.approx(scatter, rel=0.3)


def test_ms_ssim_diversity_pairs_images_of_one_class_only() -> None:
    rng = np.random.default_rng(0)
    shapes = rng.random((3, 1, 16, 16))
    labels = rng.integers(0, 3, 60)
    collapsed = shapes[labels]
    assert metrics.ms_ssim_diversity(collapsed, labels, pairs=50).value == pytest.approx(1)
    assert metrics.ms_ssim_diversity(collapsed, pairs=200).value < 0.9
    unlike = metrics.ms_ssim_diversity(rng.random((60, 16, 16)), pairs=200)
    assert unlike.value < 0.2  # never an image with itself
    with pytest.raises(ValueError, match="images: no two of one class"):
        metrics.ms_ssim_diversity(shapes, [0, 1, 2])
    with pytest.raises(ValueError, match="images: values 0 to 2, expected 0 to 1"):
        metrics.ms_ssim_diversity(np.arange(3.0).reshape(3, 1, 1) * np.ones((3, 8, 8)))


# Latent space


def test_path_length_of_a_linear_decoder_is_analytic() -> None:
    rng = np.random.default_rng(0)
    matrix, start, end = rng.normal(size=(5, 9)), rng.normal(size=(300, 5)), rng.normal(size=(300, 5))

    def squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return ((a - b) ** 2).sum(axis=1)

    def decode(z: np.ndarray) -> np.ndarray:
        return z @ matrix

    straight = metrics.perceptual_path_length(decode, squared, start, end, interpolate=metrics.lerp)
    assert straight.value == pytest.approx(squared(decode(start), decode(end)).mean(), rel=1e-6)
    curved = metrics.perceptual_path_length(decode, squared, start, end)
    assert curved == metrics.perceptual_path_length(decode, squared, start, end, batch=7)
    assert curved.value != metrics.perceptual_path_length(decode, squared, start, end, seed=1).value
    trimmed = metrics.perceptual_path_length(decode, squared, start, end, trim=0.01)
    assert trimmed.n == 294
    with pytest.raises(ValueError, match="distance: 1 values, expected 64, one for each pair"):
        metrics.perceptual_path_length(decode, lambda a, b: [1.0], start, end)


def test_path_length_of_a_circle_is_the_squared_angle() -> None:
    """slerp moves at constant angular speed, so d = (angle·ε)² whatever t is."""
    start, end = np.array([[1.0, 0, 0]] * 20), np.array([[0, 1.0, 0]] * 20)
    found = metrics.perceptual_path_length(
        lambda z: z, lambda a, b: ((a - b) ** 2).sum(axis=1), start, end, epsilon=1e-4
    )
    assert found.value == pytest.approx((np.pi / 2) ** 2, rel=1e-5)
    assert found.high - found.low < 1e-3


def test_slerp_keeps_lengths_and_ends() -> None:
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 50, 4))
    start, end = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (start, end))
    assert np.linalg.norm(metrics.slerp(start, end, rng.random(50)), axis=1) == pytest.approx(1)
    assert metrics.slerp(start, end, np.zeros(50)) == pytest.approx(start)
    assert metrics.slerp(start, end, np.ones(50)) == pytest.approx(end)
    assert metrics.slerp(start, start, rng.random(50)) == pytest.approx(start)


# Training on generated data


def test_classification_accuracy_of_real_shuffled_and_collapsed_labels() -> None:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    score = metrics.classification_accuracy_score
    assert score(x[:500], y[:500], x[1000:], y[1000:]).value > 0.85
    shuffled = np.random.default_rng(0).permutation(y[:500])
    assert score(x[:500], shuffled, x[1000:], y[1000:]).value < 0.25
    collapsed = score(x[:500], np.full(500, 3), x[1000:], y[1000:])
    assert collapsed.value == np.mean(y[1000:] == 3)
    assert collapsed.n == 500
    with pytest.raises(ValueError, match="fake_labels: 499 values, expected 500, one for each row"):
        score(x[:500], y[:499], x, y)
