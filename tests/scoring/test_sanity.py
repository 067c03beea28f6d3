"""The sanity checks of metrics: criteria hold where they should and nowhere else; the published cells are all there."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture(scope="module")
def sanity() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks/sanity.py"
    spec = importlib.util.spec_from_file_location("sanity", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_published_passes_are_those_of_the_paper(sanity: ModuleType) -> None:
    cells = [row for check in sanity.CHECKS.values() for row in check.published]
    assert len(sanity.CHECKS) == 15 and {len(row) for row in cells} == {4}
    passes = [sum(row[i] == "T" for row in cells) for i in range(4)]
    assert passes == [11, 18, 9, 13]  # of precision, density, recall, coverage


def test_criteria_tell_curves_apart(sanity: ModuleType) -> None:
    x = np.linspace(-1, 1, 11)
    curves = {
        "bell": np.exp(-4 * x**2),
        "falling": 0.5 - 0.5 * x,
        "rising": 0.5 + 0.5 * x,
        "flat": np.full(11, 0.5) + 0.01 * x,
    }
    criteria = {
        "bell": sanity.bell(0.0),
        "falling": sanity.falling,
        "rising": sanity.rising,
        "flat": sanity.flat,
    }
    for name, criterion in criteria.items():
        assert [other for other, y in curves.items() if criterion((x, y))] == [name]
    late = np.where(x < 0.9, 1.0, 0.0)
    assert sanity.falling((x, late)) and not sanity.falling_by(0.5)((x, late))
    assert sanity.settled((x, np.where(x < 0, x, 0.2))) and not sanity.settled((x, x))
    assert sanity.at("max", 1)((x, curves["rising"])) and not sanity.at("min", 1)((x, curves["rising"]))
    assert sanity.at(0.0, 1)((x, curves["bell"])) and sanity.wide("min")((x, curves["rising"])) == "low"


def test_one_failure_and_both_ways_of_counting_fail_a_cell(sanity: ModuleType) -> None:
    assert sanity.passed([True, "high", "high"])
    assert not sanity.passed([True, False])
    assert not sanity.passed(["high", "low"])


def test_shifted_samples_score_as_they_should(sanity: ModuleType) -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(300, 4))
    same, away = (sanity.computed(real, shift + rng.normal(size=(300, 4))) for shift in (0, 50))
    assert set(same) == {*sanity.FIDELITY, *sanity.DIVERSITY}
    assert min(same.values()) > 0.8
    assert max(away.values()) == 0
