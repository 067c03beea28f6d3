"""The human study of a dataset: a table and a dot plot of how often samples are judged real."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from genbench.report.dots import Line, lined
from genbench.report.plots import CONTROLS, Plot, kind_of_row
from genbench.report.quantities import Value
from genbench.report.results import DatasetResult, Row, RunResult
from genbench.scoring.estimates import Estimate

GUESSING = 50.0  # percent: half of the images shown are real
REAL = "real images"


class Judged(NamedTuple):
    """One row of the study; `run`, alone in its row, is None for the real images and for a run not in the report."""

    label: str
    run: Row | None
    real: bool
    share: Estimate  # in percent
    d_prime: Estimate | None
    seconds: float  # median
    raters: int
    images: int

    @property
    def control(self) -> bool:
        return self.real or (self.run is not None and self.run.control is not None)


class Study(NamedTuple):
    rows: list[Judged]  # most often judged real first, then the controls, the real images first among them
    plot: Plot
    facts: list[str]
    one_rater: bool
    excluded: list[dict[str, str]]
    rules: list[str]
    warnings: list[str]


def study(
    record: Mapping[str, Any], dataset: DatasetResult, runs: Sequence[RunResult], slugs: Mapping[str, str]
) -> Study:
    """What the page shows of one record of `genbench study-score`.  slugs: run -> its anchor in the page."""
    known = {run.name: run for run in runs}
    rows = sorted((_judged(row, dataset.name, known) for row in record["rows"]), key=_place)
    lines = [
        Line(
            row.label,
            CONTROLS if row.control or row.run is None else kind_of_row(row.run),
            f"#run-{slugs[row.run.name]}" if row.run else None,
            Value(row.share.value, *row.share.interval, f"{row.label}: {interval_text(row.share, 1)} %"),
        )
        for row in rows
    ]
    told = f"95 % intervals; dashed: {GUESSING:g} %, guessing"
    return Study(
        rows=rows,
        plot=lined("judged-real", "Judged real", told, "judged real [%]", "linear", lines, GUESSING),
        facts=_facts(record),
        one_rater=record["raters"] == 1,
        excluded=record["excluded"],
        rules=record["rules"],
        warnings=_warnings(record, dataset, known),
    )


def interval_text(e: Estimate, decimals: int) -> str:
    return f"{e.value:z.{decimals}f} [{e.low:z.{decimals}f}, {e.high:z.{decimals}f}]"


def _judged(row: Mapping[str, Any], dataset: str, known: Mapping[str, RunResult]) -> Judged:
    name = row["run"]
    return Judged(
        label=REAL if name is None else name.removeprefix(f"{dataset}-") or name,
        run=Row(name, (known[name],)) if name in known else None,
        real=name is None,
        share=_estimate(row["judged_real"]).scaled(100),
        d_prime=_estimate(row["d_prime"]) if row["d_prime"] else None,
        seconds=row["median_ms"] / 1000,
        raters=row["raters"],
        images=row["images"],
    )


def _estimate(record: Mapping[str, Any]) -> Estimate:
    found = Estimate.from_dict(record)
    assert found is not None  # a study's scores are finite
    return found


def _place(row: Judged) -> tuple[bool, bool, float, str]:
    return row.control, not row.real, -row.share.value, row.label


def _facts(record: Mapping[str, Any]) -> list[str]:
    """Who judged, how well over all, how fast."""
    raters, limit = record["raters"], record["seconds"]
    accuracy, d_prime = _estimate(record["accuracy"]), _estimate(record["d_prime"])
    return [
        f"{raters} rater{'s' * (raters != 1)}, {accuracy.n} answers"
        + (f", {len(record['excluded'])} more excluded" if record["excluded"] else ""),
        f"accuracy {interval_text(accuracy.scaled(100), 1)} %, chance {GUESSING:g} %",
        f"d′ {interval_text(d_prime, 2)}, chance 0",
        f"median answer after {record['median_ms'] / 1000:.2f} s",
        f"each image visible for {limit:g} s" if limit else "no time limit",
    ]


def _warnings(record: Mapping[str, Any], dataset: DatasetResult, known: Mapping[str, RunResult]) -> list[str]:
    """Where the people judged something else than this report scores."""
    found = []
    if record["data_sha256"] != dataset.card.get("sha256"):
        found.append(
            "The study was made from another prepared file of this dataset: its real images may differ."
        )
    for row in record["rows"]:
        name = row["run"]
        if name is None:
            continue
        if name not in known:
            found.append(f"{name} was judged, but is no run of this report.")
        elif _hash(known[name].samples["x"]) != row["samples_sha256"]:
            found.append(f"{name}: the samples judged are not the ones scored in this report.")
    return found


def _hash(images: np.ndarray) -> str:
    return sha256(np.ascontiguousarray(images).tobytes()).hexdigest()
