"""The headline table as data: rows in reading order, columns with a number format, marks for the best."""

from collections.abc import Iterable, Sequence
from math import floor, log10
from statistics import median
from typing import NamedTuple

from genbench.report.results import Estimate, RunResult
from genbench.report.scores import CONTROL_ROLES, COPYING, LIKELIHOOD, NOVELTY, OTHER, QUALITY, SCORES, Score

GROUPS = (QUALITY, OTHER, NOVELTY, LIKELIHOOD, COPYING)
MISSING = "–"


class Column(NamedTuple):
    """One score over all runs of a dataset. `decimals` is None for scientific notation."""

    name: str
    score: Score
    decimals: int | None
    best: frozenset[str]  # names of the runs with the best value among the models
    tied: frozenset[str]  # names of the models whose interval overlaps the best's

    def text(self, value: float) -> str:
        shown = value * self.score.scale
        return f"{shown:.2e}" if self.decimals is None else f"{shown:z.{self.decimals}f}"

    def value(self, run: RunResult) -> str:
        """The number as shown; "≤ " before an upper bound, an en dash for a missing score."""
        e = run.estimates.get(self.name)
        if e is None:
            return MISSING
        bound = self.score.bound and run.metrics.get("likelihood") == "bound"
        return ("≤ " if bound else "") + self.text(e.value)

    def interval(self, run: RunResult) -> str:
        e = run.estimates.get(self.name)
        return f"[{self.text(e.low)}, {self.text(e.high)}]" if e and e.has_interval else ""

    def half_width(self, run: RunResult) -> str:
        e = run.estimates.get(self.name)
        return self.text((e.high - e.low) / 2) if e and e.has_interval else ""


def by_dataset(runs: Iterable[RunResult]) -> dict[str, list[RunResult]]:
    """Dataset -> its runs, models by FID (classifier) and then the controls in their fixed order."""
    found: dict[str, list[RunResult]] = {}
    for run in runs:
        found.setdefault(run.dataset, []).append(run)
    return {dataset: sorted(rows, key=_place) for dataset, rows in found.items()}


def columns(runs: Sequence[RunResult], groups: Sequence[str] = GROUPS) -> list[Column]:
    """Every score that some run has, known ones in the order of SCORES, unknown ones by name."""
    known = [(name, score) for name, score in SCORES.items() if any(name in r.estimates for r in runs)]
    novelty = {name for run in runs for name in run.novelty.get("scores", {})}
    unknown = sorted({name for run in runs for name in run.estimates} - SCORES.keys())
    known += [(name, unnamed(name, NOVELTY if name in novelty else OTHER)) for name in unknown]
    return [_column(name, score, runs) for group in groups for name, score in known if score.group == group]


def unnamed(name: str, group: str = OTHER) -> Score:
    """A score without an entry in SCORES is shown under its raw name."""
    return Score(name, None, "", "Not described in this report.", group)


def mark_best(better: object, scores: dict[str, Estimate]) -> tuple[frozenset[str], frozenset[str]]:
    """Names with the best value, and the others whose 95 % intervals overlap it. No contest: no marks."""
    if better not in ("up", "down") or not scores:
        return frozenset(), frozenset()
    top = (max if better == "up" else min)(e.value for e in scores.values())
    best = {name: e for name, e in scores.items() if e.value == top}
    low, high = min(e.interval[0] for e in best.values()), max(e.interval[1] for e in best.values())
    near = {name for name, e in scores.items() if e.interval[0] <= high and low <= e.interval[1]}
    return frozenset(best), frozenset(near - best.keys())


def _column(name: str, score: Score, runs: Sequence[RunResult]) -> Column:
    models = {run.name: run.estimates[name] for run in runs if name in run.estimates and not run.control}
    everyone = [run.estimates[name] for run in runs if name in run.estimates]
    best, tied = mark_best(score.better, models)
    return Column(name, score, _decimals(list(models.values()) or everyone, score.scale), best, tied)


def _decimals(estimates: list[Estimate], scale: int) -> int | None:
    """Two significant digits of the usual half-width; None where fixed notation would not show the value."""
    largest = max(abs(e.value) for e in estimates) * scale
    if 0 < largest < 1e-3 or largest >= 1e6:
        return None
    widths = [(e.high - e.low) / 2 * scale for e in estimates if e.has_interval and e.high > e.low]
    return min(max(1 - floor(log10(median(widths)) + 1e-6), 0), 4) if widths else 3


def _place(run: RunResult) -> tuple[bool, float]:
    """Sorting key: models first, best FID first; controls as listed in CONTROL_ROLES."""
    if run.control:
        roles = list(CONTROL_ROLES)
        return True, roles.index(run.control) if run.control in roles else len(roles)
    fid = run.estimates.get("fid")
    return False, fid.value if fid else float("inf")
