"""A number with its interval: one form in files, one over seeds; and what the catalogue says of every score."""

import json
import math

import numpy as np
import pytest

from genbench.scoring.catalogue import LAST, SCORES
from genbench.scoring.estimates import (
    Estimate,
    Measurement,
    difference_interval,
    over_seeds,
    resamplings,
    spread,
    wilson_interval,
)


@pytest.mark.parametrize(
    "estimate", [Estimate(1.5, 1.0, 2.0, 7), Estimate(0.0, 0.0, 0.0, 1), Estimate(-3.0, -4.0, 5e-9, 100)]
)
def test_an_estimate_comes_back_from_its_file(estimate: Estimate) -> None:
    record = json.loads(json.dumps(estimate.as_dict(), allow_nan=False))
    assert list(record) == ["value", "low", "high", "n"]
    assert Estimate.from_dict(record) == estimate
    assert estimate.has_interval and estimate.interval == (estimate.low, estimate.high)


def test_what_is_not_finite_is_missing_in_a_file() -> None:
    alone = Estimate.alone(2.0, n=8)
    assert alone.as_dict() == {"value": 2.0, "low": None, "high": None, "n": 8}
    back = Estimate.from_dict(alone.as_dict())
    assert back is not None and not back.has_interval and back.interval == (2.0, 2.0)
    open_above = Estimate.from_dict(Estimate(2.0, 1.0, math.inf, 8).as_dict())
    assert open_above is not None and open_above.low == 1.0 and math.isnan(open_above.high)
    for value in (math.inf, -math.inf, math.nan):
        assert Estimate.from_dict(Estimate.alone(value).as_dict()) is None
    assert Measurement(alone, "what it means", "up").as_dict() == {
        **alone.as_dict(),
        "meaning": "what it means",
        "better": "up",
    }


def test_over_seeds_it_is_mean_and_standard_deviation() -> None:
    one, other = Estimate(1.0, 0.9, 1.1, 50), Estimate(3.0, 2.9, 3.1, 50)
    assert over_seeds([one]) is one
    assert over_seeds([one, other]) == pytest.approx((2.0, 2 - math.sqrt(2), 2 + math.sqrt(2), 50, 2))
    assert one.scaled(100) == pytest.approx((100.0, 90.0, 110.0, 50, 1))


def test_every_score_has_a_name_a_meaning_and_a_place_of_its_own() -> None:
    labels = [score.label for score in SCORES.values()]
    assert len(set(labels)) == len(labels)
    ranks = [score.rank for score in SCORES.values() if score.rank != LAST]
    assert sorted(ranks) == list(range(len(ranks)))
    for score in SCORES.values():
        assert score.explanation and score.group and score.direction


def test_distances_of_other_features_do_not_pass_for_published_ones() -> None:
    fid, precision = SCORES["fid"], SCORES["precision"]
    assert fid.label_on("inception") == "FID (inception)"
    assert fid.label_on("classifier") == fid.label == "FID (classifier)"
    assert fid.label_on("dinov2-s") == "Fréchet distance (dinov2-s)"
    assert SCORES["classifier_score"].label_on("inception") == "Inception score"
    assert SCORES["classifier_score"].label_on("dinov2-s") == "classifier score"
    assert {precision.label_on(name) for name in ("inception", "classifier", "pca-pixels")} == {"precision"}


def test_the_error_of_a_statistic_of_second_order_is_not_that_of_its_bootstrap() -> None:
    """‖mean‖² of 40 standard normals in 20 dimensions: no first-order term, and a bootstrap is √3 times too wide."""
    rng, drawn = np.random.default_rng(0), resamplings(40, 100, seed=1) / 40
    values, errors, bootstrap = [], [], []
    for _ in range(100):
        x = rng.normal(size=(40, 20))
        mean = x.mean(axis=0)
        linear = 2 * drawn @ (x - mean) @ mean
        whole = ((drawn @ x) ** 2).sum(axis=1)
        values.append(mean @ mean)
        errors.append(spread(linear, whole - linear))
        bootstrap.append(whole.std(ddof=1))
    scatter = np.std(values, ddof=1)
    assert np.mean(errors) == pytest.approx(1.1 * scatter, rel=0.2)
    assert np.mean(bootstrap) > 1.5 * scatter


def test_a_share_of_nothing_or_all_has_an_interval() -> None:
    """Wilson (1927): 0 of 50 is [0, 7.1 %]; with a standard error of half the binomial one, as of 200 elements."""
    assert wilson_interval(0.0, 0.0, 50)[:3] == pytest.approx((0.0, 0.0, 0.0713), abs=1e-4)
    assert wilson_interval(1.0, 0.0, 50)[:3] == pytest.approx((1.0, 0.9287, 1.0), abs=1e-4)
    half = 0.5 * (0.3 * 0.7 / 50) ** 0.5
    assert wilson_interval(0.3, half, 50)[1:3] == pytest.approx((0.2407, 0.3669), abs=2e-3)
    assert not wilson_interval(0.3, math.nan, 5).has_interval


def test_a_difference_of_means_errs_by_both() -> None:
    rng = np.random.default_rng(0)
    train, held_out = rng.normal(size=1000) + 0.5, 2 * rng.normal(size=400)
    found = difference_interval(train, held_out, 400)
    assert found.value == pytest.approx(train.mean() - held_out.mean())
    assert found.high - found.value == pytest.approx(1.96 * np.hypot(1 / 1000**0.5, 2 / 20), rel=0.05)
