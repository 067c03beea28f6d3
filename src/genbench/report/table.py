"""The headline table as data: rows in reading order, columns with a number format, marks for the best."""

from collections.abc import Callable, Sequence
from math import floor, log10
from statistics import median
from typing import NamedTuple

from genbench.report.noise import different
from genbench.report.results import CONTROL_ROLES, Row, RunResult, rows_of, runs_of
from genbench.report.weak import has_no_winner
from genbench.scoring.catalogue import (
    COPYING,
    LIKELIHOOD,
    NOVELTY,
    OTHER,
    QUALITY,
    SCORES,
    Score,
)
from genbench.scoring.estimates import Estimate

GROUPS = (QUALITY, OTHER, NOVELTY, LIKELIHOOD, COPYING)
MISSING = "–"


class Column(NamedTuple):
    """One score over all rows of a dataset. `decimals` is None for scientific notation."""

    name: str
    score: Score
    decimals: int | None
    best: str | None  # name of the best model, if no other is within noise of it
    tied: frozenset[str]  # otherwise the names of the models with the best value or within noise of it

    def text(self, value: float) -> str:
        shown = value * self.score.scale
        return f"{shown:.2e}" if self.decimals is None else f"{shown:z.{self.decimals}f}"

    def value(self, row: Row) -> str:
        """The number as shown; "≤ " before an upper bound, an en dash for a missing score."""
        e = row.estimates.get(self.name)
        if e is None:
            return MISSING
        return ("≤ " if self.score.bound and row.likelihood == "bound" else "") + self.text(e.value)

    def interval(self, row: Row) -> str:
        """The 95 % interval, or ± and the standard deviation over seeds."""
        e = row.estimates.get(self.name)
        if not e or not e.has_interval:
            return ""
        return (
            f"± {self.spread(row)}"
            if e.seeds > 1
            else f"[{self.text(e.low)}, {self.text(e.high)}]{_part(e, row)}"
        )

    def spread(self, row: Row) -> str:
        """Half the width of the 95 % interval, or the standard deviation over seeds, which says so: "0.2 sd"."""
        e = row.estimates.get(self.name)
        if not e or not e.has_interval:
            return ""
        return self.text((e.high - e.low) / 2) + (" sd" if e.seeds > 1 else "") + _part(e, row)


def by_dataset(runs: Sequence[RunResult]) -> dict[str, list[Row]]:
    """Dataset -> its rows, models by the leading score and then the controls in their fixed order."""
    found: dict[str, list[Row]] = {}
    for row in rows_of(runs):
        found.setdefault(row.dataset, []).append(row)
    return {dataset: sorted(rows, key=_place(leading(rows))) for dataset, rows in found.items()}


def columns(rows: Sequence[Row], groups: Sequence[str] = GROUPS) -> list[Column]:
    """Every score that some row has, known ones in the order of SCORES, unknown ones by name."""
    return [column(name, score, rows) for name, score in scores_of(runs_of(rows), groups)]


def scores_of(runs: Sequence[RunResult], groups: Sequence[str] = GROUPS) -> list[tuple[str, Score]]:
    """The scores of these groups that some run has."""
    found = {name for run in runs for name in run.estimates}
    novelty = {name for run in runs for name in run.novelty.get("scores", {})}
    scores = {name: score for name, score in SCORES.items() if name in found}
    for name in sorted(found - SCORES.keys()):
        scores[name] = unnamed(name, NOVELTY if name in novelty else OTHER)
    return [(name, score) for group in groups for name, score in scores.items() if score.group == group]


def column(name: str, score: Score, rows: Sequence[Row]) -> Column:
    """One score of these rows, with the best of their models marked. Some row has it."""
    having = [row for row in rows if name in row.estimates]
    models = [row for row in having if not row.control]
    better = None if has_no_winner(name, rows) else score.better
    best, tied = mark_best(name, better, models)
    decimals = _decimals([row.estimates[name] for row in models or having], score.scale)
    return Column(name, score, decimals, best, tied)


def unnamed(name: str, group: str = OTHER) -> Score:
    """A score without an entry in SCORES is shown under its raw name."""
    return Score(name, None, "", "Not described in this report.", group)


def mark_best(name: str, better: object, models: Sequence[Row]) -> tuple[str | None, frozenset[str]]:
    """The model that is best beyond noise, or else all that may be: the best value and those within noise of it.

    A score that is no contest has neither, nor has a model that is alone, nor a score some of whose values have no
    error.  A row of one seed is never the best where others have several: theirs show how far a second training moves
    the score, and of its own nothing is known.
    """
    known = all(row.estimates[name].has_interval for row in models)
    if better not in ("up", "down") or len(models) < 2 or not known:
        return None, frozenset()
    values = [row.estimates[name].value for row in models]
    top = (max if better == "up" else min)(values)
    best = [i for i, value in enumerate(values) if value == top]
    apart = different(name, models)
    names = frozenset(row.name for i, row in enumerate(models) if i in best or not apart[best, i].all())
    seeds = [row.estimates[name].seeds for row in models]
    if len(names) > 1 or seeds[best[0]] < min(2, max(seeds)):
        return None, names
    return models[best[0]].name, frozenset()


def _part(e: Estimate, row: Row) -> str:
    """How many of a row's seeds have the score, where not all do."""
    return f" ({e.seeds} of {len(row.runs)})" if e.seeds < len(row.runs) else ""


def _decimals(estimates: list[Estimate], scale: int) -> int | None:
    """Two significant digits of the usual half-width; None where fixed notation would not show the value."""
    largest = max(abs(e.value) for e in estimates) * scale
    if 0 < largest < 1e-3 or largest >= 1e6:
        return None
    widths = [(e.high - e.low) / 2 * scale for e in estimates if e.has_interval and e.high > e.low]
    return min(max(1 - floor(log10(median(widths)) + 1e-6), 0), 4) if widths else 3


def leading(rows: Sequence[Row]) -> str | None:
    """The first score of SCORES that is a contest and that some row has: FID (classifier) for images."""
    found = {name for row in rows for name in row.estimates}
    contests = (name for name, score in SCORES.items() if score.better in ("up", "down"))
    return next((name for name in contests if name in found), None)


def _place(score: str | None) -> Callable[[Row], tuple[bool, float]]:
    """Sorting key: models first, those best by this score first; controls as listed in CONTROL_ROLES."""
    sign = -1 if score and SCORES[score].better == "up" else 1

    def place(row: Row) -> tuple[bool, float]:
        if row.control:
            roles = list(CONTROL_ROLES)
            return True, roles.index(row.control) if row.control in roles else len(roles)
        e = row.estimates.get(score or "")
        return False, sign * e.value if e else float("inf")

    return place
