"""Scores of a run: crossed over two folds, with replicates that pair runs of one dataset."""

import numpy as np
import pytest

from genbench.scoring import metrics, resampling
from genbench.scoring.comparison import sample_scores, total_variation_score
from genbench.scoring.estimates import resamplings, spread
from genbench.scoring.features import Features
from genbench.scoring.resampling import crossed

CLASSES = 4


def features(n: int, shift: float, seed: int) -> Features:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(CLASSES, 0.3), size=n)
    return Features(rng.normal(shift, 1, size=(n, 6)), probabilities, probabilities.argmax(1))


@pytest.fixture(scope="module")
def scored() -> dict[str, resampling.Scored]:
    real, fake = features(301, 0, 1), features(240, 0.4, 2)
    drawn = resampling.draws(301, 240, real_seed=5, fake_seed=6)
    return sample_scores(real, fake, drawn, classes=CLASSES, seed=0)


def test_draws_stay_within_their_fold() -> None:
    drawn = resampling.draws(301, 240, real_seed=5, fake_seed=6)
    assert drawn.real.shape == (resampling.RESAMPLINGS, 301)
    assert (drawn.real[:, 0::2].sum(axis=1) == 151).all()
    assert (drawn.real[:, 1::2].sum(axis=1) == 150).all()
    assert (drawn.fake[:, 0::2].sum(axis=1) == 120).all()
    other = resampling.draws(301, 240, real_seed=5, fake_seed=7)
    assert (drawn.real == other.real).all(), "two runs see the same resamplings of the held-out images"
    assert (drawn.fake != other.fake).any()


def test_scores_are_those_of_the_library_over_both_folds(scored: dict[str, resampling.Scored]) -> None:
    real, fake = features(301, 0, 1), features(240, 0.4, 2)
    x, y = real.features, fake.features
    expected = {
        "fid": crossed(metrics.frechet_distance, x, y),
        "kid": crossed(metrics.kernel_distance, x, y),
        "precision": crossed(lambda a, b: metrics.precision_recall(a, b).precision, x, y),
        "recall": crossed(lambda a, b: metrics.precision_recall(a, b).recall, x, y),
        "density": crossed(lambda a, b: metrics.density_coverage(a, b).density, x, y),
        "coverage": crossed(lambda a, b: metrics.density_coverage(a, b).coverage, x, y),
        "classifier_score": metrics.inception_score(fake.probabilities),
    }
    for name, estimate in expected.items():
        assert scored[name].estimate.value == pytest.approx(estimate.value, rel=1e-9), name
        width = scored[name].estimate.high - scored[name].estimate.low
        assert width == pytest.approx(estimate.high - estimate.low, rel=0.4), name
    shares = [
        metrics.total_variation(
            *(metrics.class_histogram(labels, CLASSES) for labels in (real.labels[a::2], fake.labels[b::2]))
        )
        for a, b in ((1, 0), (0, 1))
    ]
    assert scored["class_tv"].estimate.value == pytest.approx(np.mean(shares))


def test_replicates_scatter_as_the_intervals_say(scored: dict[str, resampling.Scored]) -> None:
    for name in ("fid", "kid", "precision", "density", "coverage", "classifier_score", "recall"):
        found = scored[name]
        assert found.replicates.shape == (resampling.RESAMPLINGS,)
        half = (found.estimate.high - found.estimate.low) / 2
        assert 1.96 * spread(found.replicates, found.rest) == pytest.approx(half, rel=0.05), name


def test_samples_that_are_the_held_out_data_make_one_comparison_not_two() -> None:
    """Both folds of `real` give one distance: the error of their mean is that of either, not less by √2."""
    real, fresh = features(300, 0, 1), features(300, 0, 2)
    drawn = resampling.draws(300, 300, real_seed=5, fake_seed=6)
    assert (drawn.fake == drawn.real).all()
    odd, even = slice(1, None, 2), slice(0, None, 2)
    one = metrics.frechet_replicates(
        real.features[odd], real.features[even], drawn.real[:, odd], drawn.fake[:, even]
    )
    half = 1.96 * spread(one.linear, one.rest)
    own, others = (
        sample_scores(real, fake, drawn, classes=CLASSES, seed=0)["fid"].estimate for fake in (real, fresh)
    )
    assert own.value == pytest.approx(one.value)
    assert own.high - own.value == pytest.approx(half, rel=1e-3)
    assert others.high - others.value < 0.85 * half


def test_class_shares_of_equal_sets_scatter_as_their_replicates() -> None:
    rng = np.random.default_rng(0)
    found = []
    for seed in range(150):
        real, fake = (np.eye(10)[rng.integers(0, 10, 200)] for _ in range(2))
        w, v = (resamplings(200, 60, seed=seed + side) for side in (0, 1000))
        score = total_variation_score(real, fake, resampling.Draws(w, v, w, v))
        found.append((score.estimate.value, score.replicates.std(ddof=1)))
    values, errors = np.array(found).T
    assert np.sqrt((errors**2).mean()) / values.std(ddof=1) == pytest.approx(1.05, abs=0.2)  # bootstrap: 1.6


def test_pairing_takes_the_noise_of_the_held_out_images_out_of_a_difference() -> None:
    real, one, other = features(300, 0, 1), features(298, 0.4, 2), features(298, 0.5, 3)

    def replicates(fake: Features, real_seed: int, fake_seed: int) -> np.ndarray:
        drawn = resampling.draws(300, 298, real_seed=real_seed, fake_seed=fake_seed)
        return sample_scores(real, fake, drawn, classes=CLASSES, seed=0)["fid"].replicates

    paired = replicates(one, 5, 6) - replicates(other, 5, 7)
    apart = replicates(one, 5, 6) - replicates(other, 8, 7)
    assert paired.std() < 0.9 * apart.std()
