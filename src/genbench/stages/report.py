"""Stage `report`: the comparison, one self-contained page, and its headline table as csv, markdown and LaTeX."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genbench.data.prepared import load as load_data
from genbench.params.schema import External, Params, Run, load, pick
from genbench.report import DatasetResult, RunResult, pictures, render
from genbench.report.absent import Absent, why_missing
from genbench.report.cost import companions, cost_of, terminal_costs
from genbench.report.figures import figures
from genbench.report.weak import with_accuracy
from genbench.runtime import cost
from genbench.storage.arrays import take_rows
from genbench.storage.files import (
    LEDGER,
    InputError,
    read_bytes,
    read_hash,
    read_json,
    read_npz,
    write_all,
    write_whole,
)
from genbench.study import Score, parse

RUNS = Path("results/runs")
EXTRACTORS = Path("results/extractors")
EXAMPLES = 1000  # held-out elements that the report may show
CURVE = ["step", "phase", "objective", "loss"]
TRAINED = ("model.safetensors", "curve.csv", "frames.npz")
SCORED = ("samples.npz", "grid.png", "novelty.json", "nearest.png", "metrics.json", "replicates.npz")


def run(out: Path, studies: Sequence[Path], params: Path) -> list[Absent]:
    """The runs that the report could not show; it says so of each."""
    settings = load(params)
    runs, absent = results(settings)
    datasets = [found for name in settings.datasets if (found := dataset(name))]
    write_all(out, render(runs, _with_studies(datasets, studies), absent))
    for name, content in (companions(runs, timings(runs)) | figures(runs)).items():
        write_whole(out / name, content)
    return absent


def costs(runs: Sequence[RunResult]) -> str:
    """What these runs took, for a terminal."""
    known = timings(runs)
    return terminal_costs([cost_of(run, known[run.name]) for run in runs if not run.control])


def timings(runs: Sequence[RunResult]) -> dict[str, dict[str, Any]]:
    """Run -> what was measured of it, where it was trained here."""
    return {run.name: cost.recorded(RUNS / run.name / cost.FILE) for run in runs}


def results(settings: Params) -> tuple[list[RunResult], list[Absent]]:
    """Every run with its results, and those that have none, in the order of the parameters."""
    runs: list[RunResult] = []
    absent: list[Absent] = []
    for name, entry in settings.rows.items():
        names = TRAINED + SCORED if name in settings.runs else SCORED
        files = {file: RUNS / name / file for file in names}
        lacking = [path for path in files.values() if not path.is_file()]
        for path in lacking:  # the receipt says that they were not there: with them, it is another report
            LEDGER.has_read(path, "absent", None)
        if lacking:
            absent.append(Absent(name, entry.dataset, why_missing(name, lacking[0])))
            continue
        try:
            runs.append(_run(name, entry, files))
        except InputError as error:
            absent.append(Absent(name, entry.dataset, f"damaged: {error}"))
    return with_accuracy(runs, _extractors(settings)), absent


def named(names: Sequence[str], path: Path) -> tuple[list[RunResult], list[Absent]]:
    """The results of these datasets and runs; of all without a name.

    Raises:
        InputError: the parameters know no dataset or run of that name, or none has results.
    """
    settings = load(path)
    rows = settings.rows
    for name in names:
        pick({**settings.datasets, **rows}, name, "datasets or runs", path)
    runs, absent = results(settings)
    if not runs:
        raise InputError("no run has results here; expected a build: snakemake --cores 2, or dvc repro")
    wanted = {run for run, entry in rows.items() if not names or {run, entry.dataset} & set(names)}
    return [run for run in runs if run.name in wanted], [run for run in absent if run.name in wanted]


def _run(name: str, entry: Run | External, files: Mapping[str, Path]) -> RunResult:
    metrics = _record(files["metrics.json"], ("scores", "parameters", "n", "seed", "extractor"), "the scores")
    trained = "model.safetensors" in files
    novelty = _record(files["novelty.json"], ("scores", "pairs"), "the novelty record")
    return RunResult(
        name=name,
        entry={**entry.model_dump(mode="json"), "model": entry.model},
        metrics=metrics,
        novelty=novelty,
        curve=_curve(files["curve.csv"]) if trained else pd.DataFrame(columns=CURVE),
        samples=read_npz(files["samples.npz"], what="the samples"),
        frames=read_npz(files["frames.npz"], what="the frames") if trained else {},
        grid=_picture(files["grid.png"], "the sample grid"),
        nearest=_picture(files["nearest.png"], "the closest pairs"),
        replicates=read_npz(files["replicates.npz"], what="the bootstrap replicates"),
        weights_sha256=read_hash(files["model.safetensors"], what="the weights") if trained else None,
        parameters=metrics["parameters"],
        nearest_elements=_nearest(entry.dataset, novelty) if getattr(entry, "half", None) else None,
    )


def _nearest(dataset: str, novelty: Mapping[str, Any]) -> np.ndarray | None:
    """The training element nearest to each sample, in the order of the samples."""
    places = {pair["sample"]: pair["train"] for pair in novelty["pairs"]}
    if not places:
        return None
    train = load_data(Path("data") / f"{dataset}.safetensors").train.x
    return take_rows(train, np.array([places[i] for i in range(len(places))]))


def _record(path: Path, keys: Sequence[str], what: str) -> dict[str, Any]:
    record = read_json(path, what=what)
    lacking = [key for key in keys if not isinstance(record, dict) or key not in record]
    if lacking:
        raise InputError(f"{path}: {what}: no key {lacking[0]!r}; expected what its stage wrote")
    found: dict[str, Any] = record
    return found


def _curve(path: Path) -> pd.DataFrame:
    what = "the training curve"
    try:
        return pd.read_csv(io.BytesIO(read_bytes(path, what=what)))[CURVE]
    except InputError:
        raise
    except (ValueError, KeyError) as error:  # pandas' errors of parsing are ValueErrors
        raise InputError(f"{path}: {what} is damaged: {error}; expected what its stage wrote") from error


def _picture(path: Path, what: str) -> bytes:
    content = read_bytes(path, what=what)
    try:
        pictures.check(content)
    except (OSError, SyntaxError) as error:  # Pillow's errors of a damaged PNG are either
        raise InputError(f"{path}: {what}: {error}; expected what its stage wrote") from error
    return content


def _extractors(settings: Params) -> dict[str, dict[str, Any]]:
    """The card of each dataset's extractor, of those that are built."""
    cards = {name: EXTRACTORS / f"{name}.json" for name in settings.datasets}
    return {
        name: read_json(card, what="the extractor's card") for name, card in cards.items() if card.is_file()
    }


def dataset(name: str) -> DatasetResult | None:
    """None for one that is not built, as is the case with all its runs."""
    data, card = Path("data") / f"{name}.safetensors", EXTRACTORS / f"{name}.json"
    for path in (data, card):
        if not path.is_file():
            LEDGER.has_read(path, "absent", None)
            return None
    prepared = load_data(data)
    return DatasetResult(
        name=name,
        card=prepared.card | {"sha256": prepared.sha256},
        extractor=read_json(card, what="the extractor's card"),
        examples=prepared.held_out.x[:EXAMPLES],
    )


def _with_studies(datasets: list[DatasetResult], paths: Sequence[Path]) -> list[DatasetResult]:
    """The datasets with the human studies of each, in the order given."""
    found: dict[str, list[dict[str, Any]]] = {dataset.name: [] for dataset in datasets}
    for path in paths:
        score = parse(read_bytes(path, what="the study's scores"), Score, path, what="a study's scores")
        if score.dataset not in found:
            raise InputError(
                f"{path}: a study of {score.dataset!r}; expected one of {', '.join(found)}, the report's datasets"
            )
        found[score.dataset].append(score.model_dump(mode="json"))
    return [dataset._replace(studies=tuple(found[dataset.name])) for dataset in datasets]
