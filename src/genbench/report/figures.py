"""The plots as files: each for a paper, with its specification, and the points of all of them as one table."""

import csv
import io
from collections.abc import Sequence

from genbench.report.anchors import slugs_of
from genbench.report.charts import on_paper
from genbench.report.dots import row_plots
from genbench.report.plots import pairs, plots, points_of
from genbench.report.results import RunResult
from genbench.report.table import by_dataset

COLUMNS = ("plot", "dataset", "run", "kind", "x", "x_low", "x_high", "y", "y_low", "y_high", "told")


def figures(runs: Sequence[RunResult]) -> dict[str, bytes]:
    """File name -> content: of every plot an SVG for papers, and its specification for whoever draws it otherwise."""
    slugs, found = slugs_of([run.name for run in runs]), {}
    datasets = by_dataset(runs)
    places = slugs_of(list(datasets))
    for dataset, rows in datasets.items():
        for plot in (*plots(rows, slugs), *row_plots(rows, slugs)):
            stem = f"figures/{places[dataset]}-{plot.name}"
            found[f"{stem}.svg"], found[f"{stem}.vl.json"] = on_paper(plot.spec)
    return found


def points_csv(runs: Sequence[RunResult]) -> str:
    """One line for each point of the plots of one number against another, as `dvc plots` reads it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for dataset, rows in by_dataset(runs).items():
        for pair in pairs(rows):
            writer.writerows(
                {"plot": pair.name, "dataset": dataset, **point} for point in points_of(pair, rows, {})
            )
    return out.getvalue()
