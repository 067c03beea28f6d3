"""What a section found, in sentences made from its numbers: the answers before the evidence."""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from genbench.report import course
from genbench.report.agreement import Agreement
from genbench.report.results import Row
from genbench.report.table import Column, column, leading
from genbench.report.text import listed, minus
from genbench.report.verdict import VERDICTS, Judgement
from genbench.report.weak import has_no_winner
from genbench.report.whole import sentences
from genbench.scoring.catalogue import SCORES

LIKELIHOODS = ("excess_nll", "nll")  # by which a section speaks of likelihood, the first that it has


class Finding(NamedTuple):
    """question: in a word or two.  answer: a sentence.  alarming: whether it speaks of something that went wrong."""

    question: str
    answer: str
    alarming: bool = False


def findings(rows: Sequence[Row], judgement: Judgement, agreement: Agreement | None) -> list[Finding]:
    """The answers of one dataset's section, in the order of the questions; no answer where nothing was measured."""
    models = [row for row in rows if not row.control]
    if not models:
        return []
    found = [
        _novelty(models, judgement),
        _quality(rows),
        _beaten(rows),
        _said("Did it collapse?", course.collapse_answer(rows)),
        _said("Did the training settle?", course.course_answer(rows)),
        _said("Do these rules hold?", course.planted_answer(rows)),
        _likelihood(rows),
        _ranking(agreement),
        *(Finding("Right as a whole?", minus(text), wrong) for text, wrong in sentences(rows)),
    ]
    return [each for each in found if each]


def _novelty(models: Sequence[Row], judgement: Judgement) -> Finding | None:
    question = "Is it new?"
    if judgement.state == "idle":
        return None
    if judgement.state == "failed":
        wrong = [check.control for check in judgement.checks if check.estimates and not check.passed]
        return Finding(question, f"No verdict: the controls came out wrong ({listed(wrong)}).", alarming=True)
    if judgement.state == "missing":
        return Finding(question, f"No verdict: control runs are missing ({listed(judgement.missing)}).")
    judged = [row for row in models if judgement.of(row)]
    if not judged:
        return None
    by = {name: [row.label for row in judged if judgement.of(row) == name] for name, _ in VERDICTS}
    bad = [f"{name}: {listed(by[name])}" for name in ("copies", "suspicious") if by[name]]
    if not bad:
        who = {1: "It is", 2: "Both systems are"}.get(len(judged), f"All {len(judged)} systems are")
        return Finding(question, f"{who} novel.")
    return Finding(
        question, f"{len(by['novel'])} of {len(judged)} systems are novel; {'; '.join(bad)}.", alarming=True
    )


def _quality(rows: Sequence[Row]) -> Finding | None:
    question, name = "The same distribution?", leading(rows)
    if name is None or not any(name in row.estimates for row in rows if not row.control):
        return None
    if has_no_winner(name, rows):
        return Finding(question, "No winner: the extractor hardly reads this data.", alarming=True)
    shown = column(name, SCORES[name], rows)
    floor = [row for row in rows if row.control == "real" and name in row.estimates]
    real = f" Held-out data itself has {minus(shown.value(floor[0]))}." if floor else ""
    return Finding(question, _winner(shown, rows) + real)


def _winner(shown: Column, rows: Sequence[Row]) -> str:
    """Who leads a column, or that nobody does beyond noise."""
    models = {row.name: row for row in rows if not row.control and shown.name in row.estimates}
    label = shown.score.label
    if shown.best:
        row = models[shown.best]
        return f"{row.label} leads by {label}, {minus(shown.value(row))}, beyond noise."
    sign = -1 if shown.score.better == "up" else 1
    order = sorted(models.values(), key=lambda row: sign * row.estimates[shown.name].value)
    if len(order) == 1:
        return f"{order[0].label} has {label} {minus(shown.value(order[0]))}."
    top, others = order[0], [row.label for row in order[1:] if row.name in shown.tied]
    value = minus(shown.value(top))
    if not others:
        return f"No winner by {label}: {top.label} has {value}, by one seed where other systems have several."
    return f"No single winner by {label}: {top.label} has {value}, and within noise of it {listed(others)}."


def _beaten(rows: Sequence[Row]) -> Finding | None:
    """Who does not beat the cheapest model that has seen the data."""
    name = leading(rows)
    gaussian = [row for row in rows if row.control == "pca_gaussian" and name in row.estimates]
    if not gaussian or name is None:
        return None
    shown, least = column(name, SCORES[name], rows), gaussian[0].estimates[name].value
    behind = [
        row.label
        for row in rows
        if not row.control and name in row.estimates and row.estimates[name].value > least
    ]
    said = (
        f"{listed(behind)} {'does' if len(behind) == 1 else 'do'} not beat"
        if behind
        else "Every system beats"
    )
    value = minus(shown.value(gaussian[0]))
    return Finding(
        "Better than a Gaussian?", f"{said} a Gaussian on principal components ({value}).", bool(behind)
    )


def _likelihood(rows: Sequence[Row]) -> Finding | None:
    models = [row for row in rows if not row.control]
    name = next((name for name in LIKELIHOODS if sum(name in row.estimates for row in models) > 1), None)
    if name is None:
        return None
    if not all(isfinite(row.estimates[name].value) for row in models if name in row.estimates):
        return None
    return Finding("How likely is new data?", _winner(column(name, SCORES[name], rows), rows))


def _said(question: str, answer: tuple[str, bool] | None) -> Finding | None:
    return None if answer is None else Finding(question, *answer)


def _ranking(found: Agreement | None) -> Finding | None:
    return (
        Finding("Do extractors agree?", minus(found.warning), alarming=True)
        if found and found.warning
        else None
    )
