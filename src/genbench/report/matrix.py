"""Every system of a dataset against every question: a word or a number each, which leads to its evidence."""

from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import NamedTuple

from genbench.report import course
from genbench.report.openings import apart
from genbench.report.overview import places
from genbench.report.results import Row
from genbench.report.text import minus
from genbench.report.verdict import Judgement
from genbench.scoring.estimates import Estimate

PASS, FAIL, DOUBT = "pass", "fail", "doubt"
TONES = {"novel": PASS, "suspicious": DOUBT, "copies": FAIL, "diverse": PASS, "converged": PASS}
SMOOTH = "largest step of a walk"  # of `metrics.json`: 1 for a straight line


class Mark(NamedTuple):
    """tone: PASS, FAIL, DOUBT or nothing.  part: where the evidence is; None: in the run.  number: to sort by."""

    text: str
    tone: str
    part: str | None
    number: float | None = None


class Matrix(NamedTuple):
    """The questions that have an answer, and by row a mark for each of them, None where nothing was measured."""

    questions: list[str]
    marks: dict[str, list[Mark | None]]


def matrix(rows: Sequence[Row], judgement: Judgement) -> Matrix | None:
    """Of the models among these rows; None without any."""
    models = [row for row in rows if not row.control]
    standing = {place.row.name: place for place in places(rows, judgement)}
    real = next((row for row in rows if row.control == "real"), None)

    def same(row: Row) -> Mark | None:
        place = standing.get(row.name)
        return place and Mark(place.text, PASS if place.best else "", "scores", place.place)

    asked: dict[str, Callable[[Row], Mark | None]] = {
        "new?": lambda row: _word(judgement.of(row), "controls"),
        "same distribution?": same,
        "meaningful? (precision)": lambda row: _precision(row, real),
        "collapsed?": lambda row: _worst(map(course.samples_verdict, row.runs), "collapse"),
        "oscillating?": lambda row: _worst(map(course.training_verdict, row.runs), "course"),
        "smooth? (largest step)": _smooth,
        "size (parameters)": _size,
    }
    found = {question: [ask(row) for row in models] for question, ask in asked.items()}
    kept = [question for question, marks in found.items() if any(marks)]
    if not kept:
        return None
    return Matrix(kept, {row.name: [found[question][i] for question in kept] for i, row in enumerate(models)})


def _word(verdict: str | None, part: str) -> Mark | None:
    if not verdict:
        return None
    return Mark(verdict, TONES.get(verdict, FAIL if verdict in course.ALARMING else DOUBT), part)


def _worst(verdicts: Iterable[str | None], part: str) -> Mark | None:
    """Of several seeds the one that alarms, or else the one that doubts."""
    marks = [mark for verdict in verdicts if (mark := _word(verdict, part))]
    order = (FAIL, DOUBT, PASS)
    return min(marks, key=lambda mark: order.index(mark.tone)) if marks else None


def _precision(row: Row, real: Row | None) -> Mark | None:
    """Held against held-out data itself."""
    own = row.estimates.get("precision")
    if own is None or not isfinite(own.value):
        return None
    floor = real.estimates.get("precision") if real else None
    less = floor is not None and apart(own, floor) and own.value < floor.value
    return Mark(f"{own.value:.2f}", "" if floor is None else DOUBT if less else PASS, "scores", own.value)


def _smooth(row: Row) -> Mark | None:
    found = [
        Estimate.from_dict(record)
        for run in row.runs
        if (record := run.metrics.get("measures", {}).get(SMOOTH))
    ]
    values = [each.value for each in found if each]
    if not values:
        return None
    mean = sum(values) / len(values)
    return Mark(minus(f"{mean:.3g}"), "", "measures", mean)


def _size(row: Row) -> Mark | None:
    count = row.runs[0].parameters
    return None if count is None else Mark(f"{count:,}", "", None, count)
