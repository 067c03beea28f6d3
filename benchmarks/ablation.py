"""The systems of a benchmark's folder over their seeds, as a Markdown table for each dataset and a sentence on it.

    make -C benchmarks/techniques                 trains, samples and scores what is missing, then prints this
    cd benchmarks/techniques; python ../ablation.py             what there is
    cd benchmarks/techniques; python ../ablation.py --needed    the files it reads, which Snakemake makes

A row is one system: mean ± standard deviation over the seeds of its runs.  The first of a dataset is what the others
are compared with: a technique improves or worsens a score where the means differ by more than three standard errors
of their difference, which without any effect happens in 1.7 % of comparisons of five seeds with five (in 8 % by more
than two).
Modes are those of the mixture, or the classes that the dataset's classifier reads; churn is of the samples that each
run kept at its moments (`moments`, `watched`).
"""

import argparse
import json
import math
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from genbench.data.prepared import Prepared, load
from genbench.extractors import classifier
from genbench.kinds.points.mixture import WITHIN
from genbench.params.schema import Params, Run
from genbench.params.schema import load as parameters
from genbench.scoring import metrics
from genbench.scoring.metrics.churn import churn
from genbench.scoring.neighbours import nearest
from genbench.scoring.resampling import crossed
from genbench.storage.files import InputError, read_npz

BEYOND = 3  # standard errors
LEFT_OUT = {"copycat", "tenth_copycat", "noise"}  # controls that the audit needs and the table does not


class Column(NamedTuple):
    """title: with its direction.  name: in the sentence.  digits: after the point.  better: 1 up, −1 down."""

    title: str
    name: str
    digits: int
    better: int


COLUMNS = {
    "modes": Column("modes ↑", "modes", 1, 1),
    "good": Column("good samples [%] ↑", "good samples", 1, 1),
    "kl": Column("KL [nats] ↓", "KL", 3, -1),
    "frechet": Column("Fréchet distance ↓", "Fréchet distance", 2, -1),
    "churn": Column("churn ↓", "churn", 3, -1),
}
Scores = dict[str, float]


def divergence(shares: np.ndarray, target: np.ndarray) -> float:
    """KL(generated ‖ target) over classes, nats."""
    seen = shares > 0
    return float((shares[seen] * np.log(shares[seen] / target[seen])).sum())


def of_points(data: Prepared, samples: np.ndarray, frames: np.ndarray | None) -> Scores:
    """Modes of the true mixture; the Fréchet distance is that of the points themselves, × 1000."""
    centres, sigma = np.array(data.card["centres"]), float(data.card["sigma"])
    found = metrics.mode_coverage(
        samples, centres, sigma, weights=data.card["weights"], within=WITHIN, bootstrap=2
    )
    distance = crossed(
        lambda a, b: metrics.frechet_distance(a, b, bootstrap=0), data.held_out.x.astype(float), samples
    )
    scores = {
        "modes": found.covered.value,
        "good": 100 * found.quality.value,
        "kl": found.kl.value,
        "frechet": 1000 * distance.value,
    }
    if frames is not None:
        labels = [nearest(centres, frame.astype(float))[1][:, 0] for frame in frames]
        scores["churn"] = churn(np.stack(labels), len(centres))
    return scores


def of_images(
    data: Prepared, extract: classifier.Trained, fid: float, samples: np.ndarray, frames: np.ndarray | None
) -> Scores:
    """Classes by the classifier, their shares against those of the held-out images' labels; FID of `evaluate`."""
    shares = metrics.class_histogram(extract(samples).labels, data.classes)
    target = metrics.class_histogram(data.held_out.y, data.classes)
    scores = {"modes": float((shares > 0).sum()), "kl": divergence(shares, target), "frechet": fid}
    if frames is not None:
        scores["churn"] = churn(np.stack([extract(frame).labels for frame in frames]), data.classes)
    return scores


def scores_of(folder: Path, run: Run, data: Prepared, extract: classifier.Trained | None) -> Scores:
    samples = read_npz(folder / "samples.npz", what="the samples")["x"]
    frames = None if run.control else read_npz(folder / "frames.npz", what="the frames")["x"]
    if extract is None:
        return of_points(data, samples.astype(float), frames)
    fid = json.loads((folder / "metrics.json").read_text())["scores"]["fid"]["value"]
    return of_images(data, extract, fid, samples, frames)


def systems(settings: Params, dataset: str) -> dict[str, list[str]]:
    """Name -> its runs, those that differ in nothing but the seed, in the order of params.yaml."""
    found: dict[str, list[str]] = {}
    entries: list[tuple[dict[str, Any], str]] = []
    for run, entry in settings.runs.items():
        if entry.dataset != dataset or entry.control in LEFT_OUT:
            continue
        settings_of = entry.model_dump(exclude={"seed"})
        first = next((name for known, name in entries if known == settings_of), None)
        if first is None:
            first = run.removeprefix(f"{dataset}-")
            entries.append((settings_of, first))
        found.setdefault(first, []).append(run)
    return found


def cell(values: Sequence[float], column: Column) -> str:
    """Mean ± standard deviation; of one seed the value alone."""
    mean = f"{statistics.fmean(values):.{column.digits}f}".replace("-", "−")
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.{column.digits}f}"


def differs(values: Sequence[float], base: Sequence[float]) -> float:
    """The difference of the means in standard errors of it; 0 where either has one seed."""
    if min(len(values), len(base)) < 2:
        return 0.0
    error = math.sqrt(statistics.variance(values) / len(values) + statistics.variance(base) / len(base))
    gap = statistics.fmean(values) - statistics.fmean(base)
    return gap / error if error else math.copysign(math.inf, gap) if gap else 0.0


def sentence(dataset: str, rows: dict[str, dict[str, list[float]]]) -> str:
    """What helps and what does not, by the numbers of the table: the first row against each of the others."""
    (base_name, base), *others = rows.items()
    said, nothing = [], []
    for name, scores in others:
        changes: dict[int, list[str]] = {1: [], -1: []}
        for key in (key for key in COLUMNS if key in scores):
            column, values, gap = COLUMNS[key], scores[key], differs(scores[key], base[key])
            if abs(gap) > BEYOND:
                means = (f"{statistics.fmean(each):.{column.digits}f}" for each in (base[key], values))
                change = f"{column.name} {' → '.join(means)}".replace("-", "−")
                changes[column.better * (1 if gap > 0 else -1)].append(change)
        words = [
            f"{verb} {' and '.join(changes[way])}"
            for way, verb in ((1, "improves"), (-1, "worsens"))
            if changes[way]
        ]
        plain = name.replace("_", " ")
        if words:
            said.append(f"{plain} {', and '.join(words)}")
        else:
            nothing.append(plain)
    if nothing:
        said.append(f"{', '.join(nothing)}: no difference beyond three standard errors")
    seeds = len(next(iter(base.values())))
    return f"On `{dataset}`, against {base_name} over {seeds} seeds: {'; '.join(said)}."


def table(rows: dict[str, dict[str, list[float]]]) -> list[str]:
    used = [key for key in COLUMNS if any(key in scores for scores in rows.values())]
    lines = [
        f"| system | seeds | {' | '.join(COLUMNS[key].title for key in used)} |",
        f"|{'---|' * (len(used) + 2)}",
    ]
    for name, scores in rows.items():
        cells = [cell(scores[key], COLUMNS[key]) if key in scores else "–" for key in used]
        seeds = len(next(iter(scores.values())))
        lines.append(f"| {' | '.join([name.replace('_', ' '), str(seeds), *cells])} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--needed", action="store_true", help="print the files that the tables are made from")
    arguments = parser.parse_args()
    settings = parameters(Path("params.yaml"))
    folder: Callable[[str], Path] = lambda run: Path("results/runs", run)  # noqa: E731
    for dataset in settings.datasets:
        found = systems(settings, dataset)
        if arguments.needed:
            print(*(folder(run) / "metrics.json" for runs in found.values() for run in runs))
            continue
        data = load(Path("data") / f"{dataset}.safetensors")
        trained = Path("results/extractors") / f"{dataset}.safetensors"
        extract = classifier.load(trained, data) if data.card["kind"] == "image" else None
        rows: dict[str, dict[str, list[float]]] = {}
        for name, runs in found.items():
            for run in runs:
                if not (folder(run) / "metrics.json").exists():
                    print(f"{run}: no metrics.json; left out", file=sys.stderr)
                    continue
                for key, value in scores_of(folder(run), settings.runs[run], data, extract).items():
                    rows.setdefault(name, {}).setdefault(key, []).append(value)
        controls = {name for name in rows if settings.runs[found[name][0]].control}
        compared = {name: scores for name, scores in rows.items() if name not in controls}
        print(f"### {dataset}\n")
        print("\n".join(table(compared | {f"*{name}* (control)": rows[name] for name in controls})))
        print(f"\n{sentence(dataset, compared)}\n")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"ablation.py: error: {error}")
