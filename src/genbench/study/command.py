"""`genbench study` and `genbench study-score`: load, compute, save."""

from collections.abc import Sequence
from pathlib import Path

import typer

from genbench.data.prepared import load as load_data
from genbench.data.samples import samples_in
from genbench.params.schema import Params, load, pick
from genbench.storage.files import InputError, json_bytes, read_bytes, write_all
from genbench.study.page import Source, build
from genbench.study.records import Answers, Key, parse
from genbench.study.scoring import score as score_answers
from genbench.study.scoring import summary

PER_RUN = 20  # images of each run …
MOST = (
    200  # … where a rater then sees no more than these, half of them real: ten minutes at three seconds each
)


def make(
    out: Path,
    runs: str | None,
    dataset: str | None,
    per_run: int | None,
    seconds: float | None,
    seed: int,
    params: Path,
) -> None:
    """Writes the page to `out` and its key beside it.

    per_run: images of each run; None for as many as a rater has the patience for, see MOST.

    Raises:
        InputError: a time, a run or a dataset that cannot be used, or too few images.
    """
    if seconds is not None and not 0.05 <= seconds <= 3600:
        raise InputError(f"--seconds: got {seconds:g}; expected between 0.05 and 3600")
    name, judged = judged_runs(load(params), params, runs, dataset)
    prepared = load_data(Path("data") / f"{name}.safetensors")
    samples = {run: samples_in(Path("results/runs") / run, prepared) for run in judged}
    per_run = per_run or max(1, min(PER_RUN, MOST // max(2 * len(judged), 1)))
    source = Source(name, prepared.held_out.x, prepared.train.x, prepared.levels, prepared.sha256)
    page, key = build(source, samples, per_run=per_run, seed=seed, seconds=seconds)
    key_path = out.with_suffix(".key.json")
    write_all(out.parent, {out.name: page, key_path.name: key})
    typer.echo(f"{2 * per_run * len(judged)} images, half of them real, the rest from {', '.join(judged)}")
    typer.echo(f"Page to give to raters: {out}\nKey, not to give to anyone: {key_path}")


def score(key: Path, answers: Sequence[Path], more: Sequence[Path], out: Path) -> None:
    """Writes the scores of raters' files to `out`, and prints them; one bad file stops it.

    Raises:
        InputError: the key or a file is missing, damaged, or of another study.
    """
    truth = parse(read_bytes(key, what="the key"), Key, key, what="a study's key")
    record = score_answers(truth, read_answers([*answers, *more]))
    write_all(out.parent, {out.name: json_bytes(record.model_dump(mode="json"))})
    typer.echo(summary(record))


def judged_runs(settings: Params, path: Path, runs: str | None, dataset: str | None) -> tuple[str, list[str]]:
    """The dataset of a study and its runs: those named, or every run on it that is no control."""
    if runs is None:
        if dataset is None and len(settings.datasets) > 1:
            raise InputError(f"--dataset: not given; expected one of {', '.join(settings.datasets)}")
        name = dataset or next(iter(settings.datasets))
        pick(settings.datasets, name, "datasets", path)
        entries = settings.runs.items()
        return name, [run for run, entry in entries if entry.dataset == name and entry.control is None]
    names = list(dict.fromkeys(run.strip() for run in runs.split(",") if run.strip()))
    named = {run: pick(settings.runs, run, "runs", path) for run in names}
    name = dataset or next((entry.dataset for entry in named.values()), "")
    for run, entry in named.items():
        if entry.dataset != name:
            raise InputError(
                f"--runs: {run} is on {entry.dataset}, the study on {name}; expected runs of one dataset"
            )
        if entry.control == "real":
            raise InputError(f"--runs: {run} is real images, which every study shows; expected other runs")
    if not names:
        raise InputError(f"--runs: got {runs!r}; expected names of runs with commas between")
    pick(settings.datasets, name, "datasets", path)
    return name, names


def read_answers(paths: Sequence[Path]) -> list[tuple[Path, Answers]]:
    """Every rater's file, of folders all *.json."""
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path}: holds no .json file; expected the files that raters saved")
        files += inside
    return [
        (path, parse(read_bytes(path, what="the answers"), Answers, path, what="a rater's answers"))
        for path in files
    ]
