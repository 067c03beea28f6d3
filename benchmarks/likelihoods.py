"""Held-out likelihoods of the trained runs of one benchmark as a Markdown table, and its figures.

    cd benchmarks/mnist
    python ../likelihoods.py                                     every run that has a likelihood and weights
    python ../likelihoods.py made vae --samples 40 --figures ../../docs/results

Nats per element ± standard error over the held-out elements; the training part is its first --train elements.  A bound
stands with each number of importance samples.  Published values and their sources are those of published.csv in the
benchmark's folder.  The figures are samples and training curves.
"""

import argparse
import csv
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from genbench.capabilities import Likelihood, capability
from genbench.core import space_of
from genbench.data.prepared import Prepared, load
from genbench.drawing.tiles import png, tile
from genbench.models.build import build
from genbench.params.schema import load as parameters
from genbench.scoring.likelihoods import log_prob
from genbench.storage.files import InputError
from genbench.storage.weights import load_state, read_weights

IMPORTANCE = (1, 100)
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#17becf")


def mean_and_error(values: np.ndarray) -> str:
    return f"{values.mean():.2f} ± {values.std(ddof=1) / math.sqrt(len(values)):.2f}"


def published(path: Path) -> dict[str, tuple[str, str]]:
    """Run -> (published value, its source), from a CSV file run,nats,source; nothing where there is none."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restval="")
        if reader.fieldnames != ["run", "nats", "source"]:
            raise InputError(f"{path}: columns {reader.fieldnames}; expected run, nats, source")
        return {row["run"]: (row["nats"], row["source"]) for row in reader}


def rows(
    name: str, model: Any, data: Prepared, train: int, budget: str, beside: tuple[str, str]
) -> list[str]:
    """One row, or for a bound one for each number of importance samples; `beside`: published value and source."""
    bound = not model.exact
    found = []
    for k in IMPORTANCE if bound else (None,):
        if k is not None:
            model.importance = k
        torch.manual_seed(0)
        held_out, seen = (
            -log_prob(model, x, space_of(data.card)) for x in (data.held_out.x, data.train.x[:train])
        )
        label = f"{name}, bound, {k} importance samples" if bound else name
        sign = "≤ " if bound else ""
        numbers = [
            f"{sign}{mean_and_error(held_out)}",
            f"{sign}{seen.mean():.2f}",
            f"{model.free_parameters:,}",
        ]
        found.append(f"| {' | '.join([label, *numbers, budget, *beside])} |")
    return found


def curves(found: dict[str, list[tuple[float, float]]], low: float, high: float) -> Image.Image:
    """Loss against the share of the training that is done, between two losses: name -> (share, loss)."""
    width, height, left, bottom = 560, 300, 40, 24
    picture = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(picture)

    def place(share: float, loss: float) -> tuple[float, float]:
        up = (min(max(loss, low), high) - low) / (high - low)
        return left + share * (width - left - 130), height - bottom - up * (height - bottom - 10)

    for i in range(5):
        value = low + i * (high - low) / 4
        pen.line([place(0, value), place(1, value)], fill="#dddddd")
        pen.text((4, place(0, value)[1] - 6), f"{value:.0f}", fill="black")
    for share in (0, 0.5, 1):
        pen.text((place(share, low)[0] - 8, height - 16), f"{share:.0%}", fill="black")
    for i, (name, points) in enumerate(found.items()):
        colour = COLOURS[i % len(COLOURS)]
        pen.line([place(*point) for point in points], fill=colour, width=2)
        pen.text((width - 120, 10 + 16 * i), name, fill=colour)
    return picture


def curve_of(folder: Path) -> list[tuple[float, float]]:
    """Every point of curve.csv, the step as a share of the last."""
    with (folder / "curve.csv").open() as file:
        points = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]
    return [(step / points[-1][0], loss) for step, loss in points]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", help="names without the dataset's; left out, all that are trained")
    parser.add_argument("--train", type=int, default=10_000, help="training elements that are scored")
    parser.add_argument("--samples", type=int, default=10, help="samples of each run in the figure")
    parser.add_argument("--figures", type=Path, help="write FOLDER/<dataset>_samples.png and _curves.png")
    parser.add_argument("--range", type=float, nargs=2, default=(80, 140), help="losses that the curves show")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = parameters(Path("params.yaml"))
    if len(settings.datasets) != 1:
        raise InputError(f"params.yaml: datasets has {len(settings.datasets)} entries; expected one")
    (dataset,) = settings.datasets
    data = load(Path("data") / f"{dataset}.safetensors")
    names = {run: run.removeprefix(f"{dataset}-") for run in settings.runs}
    if unknown := set(arguments.runs) - set(names.values()):
        parser.error(f"{', '.join(sorted(unknown))}: no such run; expected {', '.join(names.values())}")
    values = published(Path("published.csv"))
    print("| system | held-out | train | parameters | steps × batch | published | source |")
    print("|---|---|---|---|---|---|---|")
    pictures, found = [], {}
    for run, entry in settings.runs.items():
        name, folder = names[run], Path("results/runs", run)
        if (arguments.runs and name not in arguments.runs) or not (folder / "model.safetensors").exists():
            continue
        model = build(run, entry, space_of(data.card)).eval()
        if capability(model, Likelihood) is None:
            continue
        tensors, _ = read_weights(folder / "model.safetensors", expected={"run": run, "data": data.sha256})
        load_state(model, tensors)
        budget = f"{entry.steps:,} × {entry.batch_size}" if entry.steps else "closed form"
        beside = values.get(name, ("–", ""))
        print("\n".join(rows(name, model, data, arguments.train, budget, beside)), flush=True)
        if arguments.figures:
            rng = torch.Generator().manual_seed(0)
            with torch.no_grad():
                pictures.append(space_of(data.card).stored(model.sample(arguments.samples, rng=rng)))
            if entry.steps:
                found[name] = curve_of(folder)
    if arguments.figures:
        grid = tile(np.concatenate(pictures), data.levels, columns=arguments.samples, side=56)
        samples = arguments.figures / f"{dataset}_samples.png"
        samples.write_bytes(png(grid))
        curves(found, *arguments.range).save(arguments.figures / f"{dataset}_curves.png", optimize=True)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"likelihoods.py: error: {error}")
