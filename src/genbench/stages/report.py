"""Stage `report`: the comparison, one self-contained page, and its headline table as csv, markdown and LaTeX."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from genbench.data.prepared import load as load_data
from genbench.params.schema import External, Run, load
from genbench.report import DatasetResult, RunResult, render
from genbench.report.weak import with_accuracy
from genbench.storage.files import InputError, read_bytes, read_json, read_npz, sha256, write_all
from genbench.study import Score, parse

EXAMPLES = 1000  # held-out elements that the report may show
NO_CURVE = b"step,phase,objective,loss"


def run(out: Path, studies: Sequence[Path], params: Path) -> None:
    runs, datasets = results(params)
    write_all(out, render(runs, _with_studies(datasets, studies)))


def results(path: Path) -> tuple[list[RunResult], list[DatasetResult]]:
    """Everything that the report is made of, in the order of the parameters."""
    settings = load(path)
    runs = [_run(name, entry, trained=name in settings.runs) for name, entry in settings.rows.items()]
    datasets = [_dataset(name) for name in settings.datasets]
    return with_accuracy(runs, datasets), datasets


def _run(name: str, entry: Run | External, *, trained: bool) -> RunResult:
    folder = Path("results/runs") / name
    metrics = read_json(folder / "metrics.json", what="the scores")
    curve = read_bytes(folder / "curve.csv", what="the training curve") if trained else NO_CURVE
    weights = read_bytes(folder / "model.safetensors", what="the weights") if trained else None
    return RunResult(
        name=name,
        entry={**entry.model_dump(mode="json"), "model": entry.model},
        metrics=metrics,
        novelty=read_json(folder / "novelty.json", what="the novelty record"),
        curve=pd.read_csv(io.BytesIO(curve)),
        samples=read_npz(folder / "samples.npz", what="the samples"),
        frames=read_npz(folder / "frames.npz", what="the frames") if trained else {},
        grid=read_bytes(folder / "grid.png", what="the sample grid"),
        nearest=read_bytes(folder / "nearest.png", what="the closest pairs"),
        replicates=read_npz(folder / "replicates.npz", what="the bootstrap replicates"),
        weights_sha256=sha256(weights) if weights is not None else None,
        parameters=metrics["parameters"],
    )


def _dataset(name: str) -> DatasetResult:
    prepared = load_data(Path("data") / f"{name}.safetensors")
    return DatasetResult(
        name=name,
        card=prepared.card | {"sha256": prepared.sha256},
        extractor=read_json(Path("results/extractors") / f"{name}.json", what="the extractor's card"),
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
