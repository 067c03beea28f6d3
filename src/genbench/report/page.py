"""The self-contained page: what the templates need, computed from the results."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from genbench.drawing.pages import templates
from genbench.kinds.drawing import drawing_of
from genbench.report import course, halves
from genbench.report.absent import Absent
from genbench.report.agreement import METHOD, Agreement, agreement
from genbench.report.anchors import slugs_of
from genbench.report.dots import row_plots
from genbench.report.findings import Finding, findings
from genbench.report.matrix import Matrix, matrix
from genbench.report.openings import measured, openings
from genbench.report.overview import branches
from genbench.report.people import Study, study
from genbench.report.pictures import Picture, picture
from genbench.report.plots import Plot, plots
from genbench.report.results import (
    CONTROL_ROLES,
    DatasetResult,
    Measured,
    Row,
    RunResult,
    measures_of,
    not_ranked,
    runs_of,
)
from genbench.report.run_page import RunPage, run_page
from genbench.report.table import MISSING, Column, by_dataset, columns, leading
from genbench.report.text import cautions, describe, minus, missing_lines
from genbench.report.verdict import VERDICTS, Judgement, assess
from genbench.scoring.catalogue import COPYING, LIKELIHOOD, NOVELTY, OTHER, QUALITY, SCORES
from genbench.scoring.estimates import Estimate

SCRIPTS = ("sort", "tables", "runs", "pictures", "filter", "points")  # in the page, in this order


class Histogram(NamedTuple):
    """Shares of classes by name of the row, means over its seeds; `reference` is the real control's, or uniform."""

    reference: list[float]
    is_real: bool
    rows: list[Row]
    shares: dict[str, list[float]]


class Section(NamedTuple):
    """One dataset with its rows."""

    name: str
    slug: str
    rows: list[Row]
    columns: list[Column]
    groups: list[tuple[str, int]]
    likelihoods: list[Column]
    unranked: dict[str, list[str]]  # row -> rows ahead of its bound by no more than the bound may be loose
    measures: dict[str, list[Measured]]
    copying: list[Column]
    judgement: Judgement
    controls_told: list[str]  # the controls that scores are held against
    row_plots: list[Plot]
    plots: list[Plot]
    agreement: Agreement | None
    histogram: Histogram | None
    dataset: DatasetResult | None
    examples: Picture | None
    facts: str
    studies: list[Study]
    absent: list[Absent]
    warnings: list[str]
    findings: list[Finding]
    openings: dict[str, str]  # part of the section -> the sentence that it starts with
    matrix: Matrix | None
    measured: list[str]  # a sentence for each measure that several systems share
    preview: Picture | None  # a few held-out elements
    strips: dict[str, Picture]  # by name of the row, samples of its first run
    spreads: list[course.Spread]
    courses: list[course.Course]
    halved: list[halves.Halves]

    @property
    def runs(self) -> list[RunResult]:
        return runs_of(self.rows)

    @property
    def models(self) -> int:
        """The number of rows that are no controls."""
        return sum(row.control is None for row in self.rows)

    @property
    def leading(self) -> str | None:
        """The score by which the rows stand in order."""
        return leading(self.rows)

    @property
    def extractor(self) -> str:
        """What gave the features."""
        return str(self.dataset.extractor.get("extractor", "classifier")) if self.dataset else "classifier"

    @property
    def missing_lines(self) -> list[str]:
        """What would add the controls that a verdict needs."""
        return missing_lines(self.judgement, self.name)

    @property
    def kinds(self) -> list[tuple[int, str]]:
        """The colours of its plots, by their numbers."""
        return sorted({kind for plot in (*self.plots, *self.row_plots) for kind in plot.kinds})

    @property
    def several(self) -> bool:
        """Whether some row has several seeds."""
        return any(row.seeds for row in self.rows)


def html_page(
    runs: Sequence[RunResult], datasets: Sequence[DatasetResult], absent: Sequence[Absent] = ()
) -> str:
    """index.html with its style, script and pictures inside."""
    slugs = slugs_of([run.name for run in runs])
    grouped, known = by_dataset(runs), {d.name: d for d in datasets}
    names = list(dict.fromkeys([*known, *grouped, *(run.dataset for run in absent)]))
    ids = slugs_of(names)
    sections = [
        _section(name, ids[name], grouped.get(name, []), known.get(name), absent, slugs) for name in names
    ]
    environment = templates("genbench.report")
    environment.filters |= {"plain": plain, "minus": minus}
    constants = {
        "scripts": SCRIPTS,
        "roles": CONTROL_ROLES,
        "scores": SCORES,
        "missing": MISSING,
        "slugs": slugs,
        "method": METHOD,
        "branches": branches({section.name: (section.rows, section.judgement) for section in sections}),
        "datasets": [section.name for section in sections if section.models],
        "judged": any(section.judgement.verdicts for section in sections),
        "alarmed": any(course.alarms(row) for section in sections for row in section.rows if not row.control),
        "verdicts": [name for name, _ in VERDICTS],
        "families": sorted({run.model.split("/")[0] for run in runs}),
        "collapse_rule": course.COLLAPSE_RULE,
        "course_rule": course.COURSE_RULE,
        "healthy": course.HEALTHY,
        "present": course.present,
        "halves_method": halves.METHOD,
    }
    page = environment.get_template("index.html")
    return page.render(sections=sections, run_page=_run_page, any_runs=bool(runs), **constants)


def plain(value: Any) -> str:
    """Any value of a card or a params entry in one readable line."""
    match value:
        case {"value": _, **rest} if rest.keys() & {"low", "high"} and (e := Estimate.from_dict(value)):
            interval = f" [{e.low:.4g}, {e.high:.4g}]" if e.has_interval else ""
            return f"{e.value:.4g}{interval}" + (f", N {e.n}" if e.n else "")
        case dict():
            inner = {
                key: f"[{plain(v)}]" if isinstance(v, list | dict) else plain(v) for key, v in value.items()
            }
            return ", ".join(f"{key} {text}" for key, text in inner.items())
        case list() | tuple():
            return ", ".join(map(plain, value))
    return MISSING if value is None else str(value)


def _section(
    name: str,
    slug: str,
    rows: list[Row],
    dataset: DatasetResult | None,
    absent: Sequence[Absent],
    slugs: dict[str, str],
) -> Section:
    head = columns(rows, (QUALITY, OTHER, NOVELTY))
    judgement = assess(rows)
    told = {control for power in judgement.powers for control in power.tells}
    agreed, histogram, measures = agreement(rows), _histogram(rows), measures_of(runs_of(rows))
    answers = findings(rows, judgement, agreed)
    shares, reference = (histogram.shares, histogram.reference) if histogram else ({}, [])
    groups = [(g, sum(c.score.group == g for c in head)) for g in (QUALITY, OTHER, NOVELTY)]
    return Section(
        name=name,
        slug=slug,
        rows=rows,
        columns=head,
        groups=[(group, span) for group, span in groups if span],
        likelihoods=columns(rows, (LIKELIHOOD,)),
        unranked={row.name: [each.label for each in not_ranked(row, rows)] for row in rows},
        measures=measures,
        copying=columns(rows, (COPYING,)),
        judgement=judgement,
        controls_told=[control for control in CONTROL_ROLES if control in told],
        row_plots=row_plots(rows, slugs),
        plots=plots(rows, slugs),
        agreement=agreed,
        histogram=histogram,
        dataset=dataset,
        examples=_examples(dataset),
        facts=describe(rows) if rows else "",
        studies=[study(record, dataset, runs_of(rows), slugs) for record in dataset.studies]
        if dataset
        else [],
        absent=[run for run in absent if run.dataset == name],
        warnings=cautions(rows),
        findings=answers,
        openings=openings(rows, judgement, agreed, shares, reference, answers),
        matrix=matrix(rows, judgement),
        measured=measured(measures),
        preview=_strip(dataset.examples, dataset) if dataset else None,
        strips={row.name: shown for row in rows if (shown := _strip(row.runs[0].samples.get("x"), dataset))},
        spreads=course.spreads(rows),
        courses=course.courses(rows),
        halved=halves.halves(runs_of(rows)),
    )


def _histogram(rows: Sequence[Row]) -> Histogram | None:
    shares = {row.name: found for row in rows if (found := _class_shares(row))}
    if not shares:
        return None
    shown = [row for row in rows if row.name in shares]
    real = [shares[row.name] for row in shown if row.control == "real"]
    classes = len(shares[shown[0].name])
    return Histogram(real[0] if real else [1 / classes] * classes, bool(real), shown, shares)


def _class_shares(row: Row) -> list[float]:
    """Shares of samples per class, means over the seeds."""
    found = [run.metrics["class_histogram"] for run in row.runs if run.metrics.get("class_histogram")]
    return [float(sum(shares)) / len(found) for shares in zip(*found, strict=True)]


def _examples(dataset: DatasetResult | None) -> Picture | None:
    if dataset is None or not dataset.examples.size:
        return None
    return picture(drawing_of(dataset.card).grid(dataset.examples, dataset.card))


def _strip(elements: np.ndarray | None, dataset: DatasetResult | None) -> Picture | None:
    """A few elements in a small picture, at its own size."""
    if elements is None or dataset is None or not elements.size:
        return None
    return picture(drawing_of(dataset.card).strip(elements, dataset.card), target=1)


def _run_page(run: RunResult, section: Section) -> RunPage:
    return run_page(
        run, section.runs, [*section.columns, *section.copying, *section.likelihoods], section.dataset
    )
