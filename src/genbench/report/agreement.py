"""Do other feature extractors rank the same systems alike? Distances side by side, and Kendall's τ between them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite, isnan
from typing import Any, NamedTuple

import numpy as np

from genbench.report.results import Row, RunResult, runs_of
from genbench.report.table import Column, column
from genbench.scoring.catalogue import Score
from genbench.scoring.estimates import Estimate

DRAWS = 1000
LOW = 0.5  # an interval of τ between two extractors that lies below this is worth a sentence
METHOD = (
    f"Intervals: the 2.5 and 97.5 % quantiles of τ over {DRAWS:,} seeded draws of every distance, each from a normal "
    "distribution around its value with standard deviation (high − low)/3.92 (over several seeds: sd/√seeds), "
    "widened to hold τ itself."
)


class Ranking(NamedTuple):
    """How alike the extractors rank some rows: τ-b of each with each one before it."""

    of: str
    n: int
    taus: list[list[Estimate | None]]  # [i − 1][j] for extractors i > j; None where one of them ranks nothing


class Agreement(NamedTuple):
    """Fréchet distances of the rows by extractor; the rows' scores here are these distances."""

    rows: list[Row]
    columns: list[Column]
    rankings: list[Ranking]
    warning: str | None


def agreement(rows: Sequence[Row]) -> Agreement | None:
    """The distances that runs have under `extractors` in their metrics; None without any."""
    records: dict[str, dict[str, Any]] = {}
    for record in (record for run in runs_of(rows) for record in _records(run)):
        records.setdefault(record["name"], record)
    shown = [Row(row.name, tuple(map(_by_extractor, row.runs))) for row in rows]
    names = [name for name in records if any(name in row.estimates for row in shown)]
    if not names:
        return None
    complete = [row for row in shown if all(_finite(row.estimates.get(name)) for name in names)]
    models = [row for row in complete if not row.control]
    parts = (("models", models), ("models and controls", complete))
    rankings = [ranking(of, part, names) for of, part in parts if len(part) > 1 and len(names) > 1]
    columns = [column(name, _score(records[name]), shown) for name in names]
    return Agreement(shown, columns, rankings, _warning(names, rankings))


def ranking(of: str, rows: Sequence[Row], names: Sequence[str]) -> Ranking:
    """τ-b between extractors over these rows, with intervals that say how far the distances' noise moves it."""
    found = [[row.estimates[name] for name in names] for row in rows]
    values = np.array([[e.value for e in each] for each in found])  # (rows, extractors)
    errors = np.array([[_error(e) for e in each] for each in found])
    draws = np.random.default_rng(0).normal(values, errors, (DRAWS, *values.shape))

    def tau(i: int, j: int) -> Estimate | None:
        point = float(kendall(values[:, i], values[:, j]))
        if isnan(point):
            return None
        low, high = np.nanquantile(kendall(draws[..., i], draws[..., j]), (0.025, 0.975))
        return Estimate(point, min(float(low), point), max(float(high), point), len(rows))

    return Ranking(of, len(rows), [[tau(i, j) for j in range(i)] for i in range(1, len(names))])


def kendall(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """τ-b of values (…, n): Σ sgn(aᵢ−aⱼ) sgn(bᵢ−bⱼ) / √(Σ sgn²(aᵢ−aⱼ) · Σ sgn²(bᵢ−bⱼ)) over pairs i < j; shape (…).

    Kendall, Biometrika 33, 1945. nan where all values of one side are equal.
    """
    i, j = np.triu_indices(a.shape[-1], 1)
    one, other = (np.sign(x[..., i] - x[..., j]).astype(np.int8) for x in (a, b))
    with np.errstate(invalid="ignore"):
        return np.asarray((one * other).sum(-1) / np.sqrt(np.abs(one).sum(-1) * np.abs(other).sum(-1)))


def _records(run: RunResult) -> list[dict[str, Any]]:
    return run.metrics.get("extractors") or []


def _by_extractor(run: RunResult) -> RunResult:
    """The run with its distances under the extractors' names in place of its scores."""
    distances = {record["name"]: record["fid"] for record in _records(run)}
    return replace(run, metrics=run.metrics | {"scores": distances}, novelty={}, replicates={})


def _score(record: Mapping[str, Any]) -> Score:
    features = f"{record['features']} features, sha256 {record['sha256'][:12]}"
    return Score(record["name"], None, "", f"Fréchet distance in {features}.")


def _finite(e: Estimate | None) -> bool:
    return e is not None and isfinite(e.value)


def _error(e: Estimate) -> float:
    """Standard deviation of a value: of a mean over seeds, or from a 95 % interval; 0 without either."""
    if not e.has_interval:
        return 0.0
    return (e.high - e.low) / 2 / e.seeds**0.5 if e.seeds > 1 else (e.high - e.low) / 3.92


def _warning(names: Sequence[str], rankings: Sequence[Ranking]) -> str | None:
    """Names the pair that ranks the models least alike, if the noise of the distances does not explain it."""
    models = next((ranking for ranking in rankings if ranking.of == "models"), None)
    if models is None:
        return None
    pairs = [
        (e.value, e.high, names[i + 1], names[j])
        for i, taus in enumerate(models.taus)
        for j, e in enumerate(taus)
        if e is not None
    ]
    tau, high, one, other = min(pairs, default=(1.0, 1.0, "", ""))
    if high >= LOW:
        return None
    return (
        f"The ranking of the models depends on the extractor here: τ between {other} and {one} "
        f"is {tau:z.2f} over {models.n} models."
    )
