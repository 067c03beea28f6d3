"""Verdicts on trainings whose course is known, Fisher's test, and the Dirac-GAN, whose oscillation is known exactly."""

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from genbench.scoring.dynamics import RARE, Dynamics, Moments, dynamics, held_modes, record_of
from genbench.scoring.metrics.periodicity import detrended, fisher_g, fisher_p, prewhitened, returning

M, N, K = 64, 256, 10
T = np.arange(M)


def training(shares: np.ndarray, distances: np.ndarray, seed: int = 0) -> Moments:
    """Samples drawn by the shares (m, k) of each moment, with the distances (m,)."""
    rng = np.random.default_rng(seed)
    modes = np.stack([rng.choice(len(p), N, p=p / p.sum()) for p in shares])
    k = shares.shape[1]
    return Moments(
        50 * np.arange(len(shares)), modes, np.ones(modes.shape, bool), np.full(k, 1 / k), distances
    )


def verdict(shares: np.ndarray, distances: np.ndarray) -> Dynamics:
    found = dynamics(training(shares, distances))
    assert found is not None
    return found


def noisy(level: float | np.ndarray, seed: int = 1) -> np.ndarray:
    return level * np.exp(0.03 * np.random.default_rng(seed).standard_normal(M))


EVEN = np.full((M, K), 1 / K)


def turning(length: float, size: float) -> np.ndarray:
    """Shares that go from one class to another and back."""
    wave = size * np.cos(2 * np.pi * T / length)[:, None]
    return np.exp(wave * (np.eye(K)[0] - np.eye(K)[1]))


def test_a_training_that_settles_has_converged() -> None:
    found = verdict(EVEN, noisy(8 + 200 * np.exp(-T / 5)))
    assert found.verdict == "converged"
    assert abs(found.churn) < 0.02
    still = verdict(np.eye(K)[np.zeros(M, int)], np.full(M, 8.0))
    assert (still.p, still.period, still.as_dict()["period"]) == (1.0, math.inf, None)
    assert (found.ever, found.now) == (10, 10)


def test_a_training_stopped_early_is_still_improving() -> None:
    found = verdict(EVEN, noisy(150 * np.exp(-T / 30)))
    assert found.verdict == "still improving"
    assert found.change < -0.3
    assert found.best_step > 50 * 50


def test_a_training_whose_distance_rises_gets_worse() -> None:
    found = verdict(EVEN, noisy(np.where(T < 40, 8.0, 8 * 1.02 ** np.maximum(T - 40, 0))))
    assert found.verdict == "gets worse"
    assert found.best < found.last


@pytest.mark.parametrize("length", [1, 2])
def test_a_model_that_only_flips_between_two_classes_oscillates(length: int) -> None:
    found = verdict(np.eye(K)[(T // length) % 2] + 1e-12, noisy(60.0))
    assert found.verdict == "oscillates"
    assert found.churn > 0.3
    assert found.returns > 0.8
    assert found.lag % (2 * length) == 0


@pytest.mark.parametrize("length", [31 / 12, 31 / 6, 31 / 3])
def test_a_period_is_found_and_is_the_true_one(length: float) -> None:
    found = verdict(turning(length, 1.0), noisy(8.0))
    assert found.verdict == "oscillates"
    assert found.p < RARE
    assert found.period == pytest.approx(50 * length, rel=0.01)
    assert verdict(EVEN, noisy(8.0)).p > 0.01


def test_modes_that_were_held_and_are_gone_are_a_collapse() -> None:
    shares = EVEN.copy()
    shares[45:, 7:] = 1e-9
    found = verdict(shares, noisy(np.where(T < 45, 8.0, 30.0)))
    assert found.verdict == "collapses"
    assert (found.ever, found.now) == (10, 7)
    one = np.eye(K)[np.zeros(M, int)] + 1e-12
    assert verdict(one, noisy(200.0)).verdict == "collapses", "always a 1"


def test_a_mode_is_held_with_a_tenth_of_its_share_and_good_samples() -> None:
    counts = [100, 100, 3, 2]
    modes = np.repeat(np.arange(4), counts)[None].repeat(2, 0)
    seen = Moments(
        np.arange(2), modes, np.ones(modes.shape, bool), np.array([0.4, 0.4, 0.1, 0.1]), np.ones(2)
    )
    assert held_modes(seen).tolist() == [3, 3], "2 of 20.5 expected are below a tenth"
    assert held_modes(seen._replace(good=modes != 0)).tolist() == [2, 2]


def test_few_moments_are_shown_without_a_verdict() -> None:
    record = record_of(training(EVEN[:8], np.ones(8)))
    assert record["scores"] is None
    assert len(record["modes"]) == 8


def test_fishers_probability() -> None:
    """Fisher's own 5 % points for 5, 10 and 20 ordinates; and white noise is as rare as is stated."""
    for m, g in ((5, 0.68377), (10, 0.44495), (20, 0.27040)):
        assert fisher_p(g, m) == pytest.approx(0.05, rel=1e-3)
    rng = np.random.default_rng(0)
    found = np.array([fisher_g(rng.standard_normal(33)).p for _ in range(1000)])
    assert (found < 0.05).mean() == pytest.approx(0.05, abs=0.02)
    assert fisher_g(np.zeros(20)) == (0.0, 1.0, math.inf)


def test_a_drifting_series_has_no_period_once_it_is_whitened() -> None:
    rng = np.random.default_rng(0)
    raw, white = [], []
    for _ in range(300):
        walk = np.cumsum(rng.standard_normal(32))
        raw.append(fisher_g(walk).p)
        white.append(fisher_g(prewhitened(walk), cycles=3).p)
    assert np.mean(np.array(raw) < 0.01) > 0.3, "the plain test calls every drift a period"
    assert np.mean(np.array(white) < 0.01) < 0.03


def test_a_return_has_the_lag_of_its_period() -> None:
    value, lag = returning(np.cos(2 * np.pi * np.arange(64) / 10))
    assert (lag, value > 0.75) == (10, True)
    assert returning(np.arange(20.0)) == (0.0, 0)
    assert detrended(np.arange(20.0)) == pytest.approx(0, abs=1e-12)


@pytest.fixture(scope="module")
def dirac() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks/dynamics/dirac.py"
    spec = importlib.util.spec_from_file_location("dirac", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("name", "turn"), [("GAN", 62.8), ("WGAN", 31.4)])
def test_the_dirac_gan_circles_as_theory_says(dirac: ModuleType, name: str, turn: float) -> None:
    """Eigenvalues ± i f′(0), the alternating period and the growth of simultaneous steps, each to 1 % or better."""
    losses, slope = dirac.SLOPES[name]
    game, c = dirac.Game(losses), dirac.RATE * slope
    values = dirac.eigenvalues(game)
    assert np.sort(values.imag) == pytest.approx([-slope, slope], rel=1e-5)
    assert values.real == pytest.approx([0, 0], abs=1e-5)
    path = dirac.trajectory(game, 300, alternating=True, start=1e-3)
    found = dirac.period(path)
    assert found == pytest.approx(turn, rel=0.01)
    assert found == pytest.approx(2 * math.pi / math.acos(1 - c * c / 2), rel=1e-3)
    spiral = dirac.trajectory(game, 60, alternating=False, start=1e-3)
    assert dirac.growth(spiral) - 1 == pytest.approx(math.sqrt(1 + c * c) - 1, rel=0.01)
    damped = dirac.eigenvalues(dirac.Game(losses, 2 * slope))
    assert damped.real == pytest.approx([-slope, -slope], rel=1e-2), "the critical penalty, γ = 2f′(0)"


def test_the_dirac_gan_gets_the_verdict_that_it_deserves(dirac: ModuleType) -> None:
    """A generator of two modes by the sign of θ + noise, watched at 64 moments over ten turns; damped, it settles."""
    noise = np.random.default_rng(0).standard_normal(N)

    def watched(penalty: float) -> Dynamics:
        game = dirac.Game(dirac.SLOPES["WGAN"][0], penalty)
        theta = dirac.trajectory(game, 315, alternating=True, start=1.0)[::5, 0]
        modes = (theta[:, None] + 0.5 * noise > 0).astype(np.int64)
        good, shares = np.ones(modes.shape, bool), np.array([0.5, 0.5])
        found = dynamics(Moments(5 * np.arange(M), modes, good, shares, theta**2 + 0.1))
        assert found is not None
        return found

    found = watched(0.0)
    assert found.verdict == "oscillates"
    assert found.period == pytest.approx(31.4, rel=0.08) or found.period == pytest.approx(15.7, rel=0.08)
    assert watched(1.0).verdict == "converged"
