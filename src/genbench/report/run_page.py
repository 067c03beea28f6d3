"""What the page shows of one run: its pictures, its training curves, its scores and where it is from."""

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from genbench.drawing.canvas import Picture as Pixels
from genbench.drawing.scatter import scatter
from genbench.kinds.drawing import drawing_of
from genbench.report import course
from genbench.report.frames import Reel, film
from genbench.report.pictures import Picture, picture
from genbench.report.results import DatasetResult, Row, RunResult
from genbench.report.svg import Figure, line_chart
from genbench.report.table import Column
from genbench.scoring.estimates import Estimate

CHARTS = 4  # columns of a table that are drawn too
TRAINING = "From before the first step to after the last, always from the same noise."


class Listed(NamedTuple):
    """Estimates over a few settings: a row for each, and a small chart for each column."""

    title: str
    meaning: str
    over: str
    columns: list[str]
    rows: list[tuple[str, list[Estimate | None]]]
    charts: list[Figure]


class Shown(NamedTuple):
    """A picture of a run; reel: where the moments lie in it, if it can be played."""

    title: str
    text: str
    picture: Picture
    reel: Reel | None


class RunPage(NamedTuple):
    """One run's pictures, curves and provenance."""

    row: Row  # the run alone
    pictures: list[Shown]
    curves: list[Figure]
    course: list[Figure]
    tables: list[Listed]
    columns: list[Column]
    commands: list[str]
    warnings: list[str]


def run_page(
    run: RunResult, runs: Sequence[RunResult], columns: Sequence[Column], dataset: DatasetResult | None
) -> RunPage:
    """One run among all `runs` of its dataset; columns: the scores of these."""
    return RunPage(
        row=Row(run.name, (run,)),
        pictures=_pictures(run, dataset),
        curves=_curves(run),
        course=course.charts(run),
        tables=[_listed(run, table) for table in run.metrics.get("tables", ())],
        columns=[column for column in columns if column.name in run.estimates],
        commands=[
            f"dvc repro {shlex.quote(f'evaluate@{run.name}')}",
            f"snakemake --cores 2 {shlex.quote(f'results/runs/{run.name}/metrics.json')}",
        ],
        warnings=_warnings(run, runs, dataset),
    )


def _pictures(run: RunResult, dataset: DatasetResult | None) -> list[Shown]:
    pairs = "Samples and what is closest to each in the training data, closest pairs first."
    walks = "Each row walks between two samples in the latent space."
    varied = (
        "In each row one number of a code goes through the prior's range while the others stay; of all numbers those "
        "that change the picture most."
    )
    filled = "Left to right: original, occluded (hidden pixels are black), then the model's completions."
    moments = film(run.frames, dataset.card) if run.frames and dataset is not None else None
    own = [
        (str(caption).rstrip("."), "", _own(run, i, dataset))
        for i, caption in enumerate(run.samples.get("captions", ()))
    ]
    shown: list[tuple[str, str, bytes | Pixels | None]] = [
        ("Samples", f"From {run.label}, not selected.", run.grid),
        ("Nearest in the training data", pairs if run.novelty["pairs"] else "", run.nearest),
        ("During training", TRAINING, moments.still if moments else None),
        ("Interpolation", walks, _in_rows(run.samples.get("interpolation"), dataset)),
        ("Traversal", varied, _in_rows(run.samples.get("traversal"), dataset)),
        ("Completions", filled, _in_rows(run.samples.get("completion"), dataset)),
        *own,
    ]
    reels = {TRAINING: moments.reel} if moments else {}  # which says where the moments lie, to the pixel
    return [
        Shown(title, text, found, reels.get(text))
        for title, text, content in shown
        if (found := picture(content, as_it_is=text in reels))
    ]


def _own(run: RunResult, i: int, dataset: DatasetResult | None) -> Pixels | None:
    """The i-th picture that the model itself gave: elements in rows, or a scatter plot."""
    if f"points_{i}" in run.samples:
        return scatter(run.samples[f"points_{i}"], run.samples[f"label_{i}"])
    return _in_rows(run.samples[f"picture_{i}"], dataset)


def _in_rows(elements: np.ndarray | None, dataset: DatasetResult | None) -> Pixels | None:
    """Elements (rows, columns, *shape), as they stand; nothing for none, or where their kind is not known."""
    if elements is None or dataset is None or not elements.size:
        return None
    return drawing_of(dataset.card).rows(elements, dataset.card)


def _curves(run: RunResult) -> list[Figure]:
    if run.curve.empty:
        return []
    figures = []
    for (phase, objective), rows in run.curve.groupby(["phase", "objective"], sort=False):
        losses = rows["loss"].to_numpy(dtype=float)
        lost = int((~np.isfinite(losses)).sum())
        caption = f"{phase} · {objective}" if str(phase) != str(objective) else str(phase)
        caption += f" ({lost} values not finite)" if lost else ""
        chart = line_chart(
            f"{run.label}: {caption}, loss against step", rows["step"].to_numpy(dtype=float), losses
        )
        figures.append(Figure(caption, chart))
    return figures


def _listed(run: RunResult, table: Mapping[str, Any]) -> Listed:
    """A table of `metrics.json`; only of few columns a chart each."""
    columns = {
        name: [Estimate.from_dict(each) for each in column] for name, column in table["columns"].items()
    }
    words = any(isinstance(each, str) for each in table["at"])  # no axis to draw them along
    at = [math.nan if words else float(each) for each in table["at"]]
    charts = [
        Figure(
            name,
            line_chart(
                f"{run.label}: {name} against {table['over']}",
                np.array(at),
                np.array([math.nan if each is None else each.value for each in column]),
            ),
        )
        for name, column in columns.items()
        if not words
    ]
    rows = [
        (each if isinstance(each, str) else f"{each:g}", [column[i] for column in columns.values()])
        for i, each in enumerate(table["at"])
    ]
    return Listed(
        table["title"],
        table["meaning"],
        table["over"],
        list(columns),
        rows,
        charts if len(charts) <= CHARTS else [],
    )


def _warnings(run: RunResult, runs: Sequence[RunResult], dataset: DatasetResult | None) -> list[str]:
    """What to know before this run is compared with the others of its dataset."""
    found = []
    sizes = {r.metrics["n"] for r in runs}
    if len(sizes) > 1:
        found.append(
            f"N is {run.metrics['n']} here, and runs of this dataset differ in N: compare at equal N only."
        )
    extractor = dataset.extractor.get("weights_sha256") if dataset else None
    if extractor and extractor != run.metrics["extractor"]:
        found.append("Scored with another feature extractor than the dataset's: do not compare.")
    ahead = [r for r in runs if r.control == "pca_gaussian" and _distance(r) < _distance(run)]
    if ahead and run.control is None:
        values = f"{_distance(run):.1f}, and {_distance(ahead[0]):.1f} of {ahead[0].name}"
        known = "which knows means and covariances alone"
        weakness = run.metrics.get("weakness", "")
        found.append(f"Its Fréchet distance is {values}, {known}. {weakness}".rstrip())
    return found


def _distance(run: RunResult) -> float:
    """The Fréchet distance, or what keeps a run out of any comparison where there is none."""
    return float(run.metrics["scores"].get("fid", {}).get("value", math.nan))
