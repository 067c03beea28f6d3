"""docs/results/faces.md from the results of this folder: tables of scores, and the grids of each system.

python page.py                      in benchmarks/faces, after the build
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from genbench.drawing.tiles import tile
from genbench.params.schema import load

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results/runs"
PAGE = FOLDER.parent.parent / "docs/results/faces.md"
PICTURES = PAGE.parent / "faces"
SCORES = {"fid": "Fréchet distance", "precision": "precision", "recall": "recall"}
SIDE = 64  # pixels of an image in a grid

# What is shown of a run: a question in words, and the numbers that answer it.
SHOWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "faces-stylegan": (
        "Whose style? Coarse and fine layers from two faces",
        ("follows A", "τ of precision", "τ of recall", "2 eyes", "path length"),
    ),
    "faces-biggan": (
        "What does truncation do? From left to right it is tighter",
        ("τ of precision", "τ of recall", "classification accuracy score", "2 eyes"),
    ),
    "faces_two_people-deepfakes": ("One face, another's look", ("read as", "kept")),
    "faces_day_night-cyclegan": ("By day and by night", ("read as", "kept", "Cycle error")),
    "faces_same_person-sd_dcgan": ("The same person twice", ("verification AUC", "between pairs")),
}


def number(found: dict[str, Any]) -> str:
    """Value and 95 % interval."""
    value, low, high = (found.get(key) for key in ("value", "low", "high"))
    if value is None:
        return "–"
    text = f"{value:.3g}" if low is None or high is None else f"{value:.3g} [{low:.3g}, {high:.3g}]"
    return text.replace("-", "−")


def record(run: str) -> dict[str, Any]:
    path = RESULTS / run / "metrics.json"
    if not path.exists():
        raise SystemExit(f"{path}: missing; expected the results of `snakemake --cores 2` in {FOLDER}")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def seconds(run: str) -> str:
    """Of the processor, for training."""
    path = RESULTS / run / "timing.json"
    if not path.exists():
        return "–"
    found = json.loads(path.read_text()).get("train")
    return f"{found['cpu_seconds']:,.0f}" if found else "–"


def scores(runs: Sequence[str]) -> list[str]:
    lines = ["| run | " + " | ".join(SCORES.values()) + " | CPU seconds of training |", "|---|" + "---|" * 4]
    for run in runs:
        found = record(run)["scores"]
        cells = [number(found[name]) if name in found else "–" for name in SCORES]
        lines.append(f"| `{run}` | {' | '.join(cells)} | {seconds(run)} |")
    return lines


def picture(images: np.ndarray, levels: int, name: str) -> str:
    """(rows, columns, c, h, w) levels -> the file's place beside the page."""
    rows, columns = images.shape[:2]
    drawn = tile(images.reshape(rows * columns, *images.shape[2:]), levels, columns=columns, side=SIDE)
    PICTURES.mkdir(parents=True, exist_ok=True)
    Image.fromarray(drawn).quantize(128).save(PICTURES / name, optimize=True)
    return f"{PICTURES.name}/{name}"


def section(run: str, levels: int) -> list[str]:
    (title, asked), found = SHOWN[run], record(run)
    lines = ["", f"## {title}", "", f"`{run}`, `{found['model']}`.", ""]
    with np.load(RESULTS / run / "samples.npz", allow_pickle=False) as archive:
        grids = [("Samples, unselected.", archive["x"][:30].reshape(3, 10, *archive["x"].shape[1:]))]
        for i, caption in enumerate(archive.get("captions", [])):
            grids.append((str(caption), archive[f"picture_{i}"]))
    for i, (caption, images) in enumerate(grids):
        place = picture(images, levels, f"{run}-{i}.png")
        lines += [f"![{caption}]({place})", "", caption, ""]
    measures = {
        name: value for name, value in found["measures"].items() if any(part in name for part in asked)
    }
    lines += ["| measure, held-out faces | value [95 % interval] |", "|---|---|"]
    return lines + [f"| {name} | {number(value)} |" for name, value in measures.items()]


def main() -> None:
    settings = load(FOLDER / "params.yaml")
    lines = [
        "# Faces of 32 × 32 pixels",
        "",
        "Drawn faces whose every factor is known ([docs/faces.md](../faces.md)), by the systems of",
        "[benchmarks/faces](../../benchmarks/faces), one training each, seed 0. Written by `page.py` there from what",
        "the build measured. The entries are those of the default benchmark's 16 × 16 pixels with longer trainings and",
        "wider codes; nothing was tuned at this size. Seconds are of one core of a machine that did other work as",
        "well.",
        "",
    ]
    for dataset in settings.datasets:
        runs = [run for run, entry in settings.runs.items() if entry.dataset == dataset]
        n = record(runs[0])["held_out"]
        lines += [
            "",
            f"**{dataset}**, N {n:,}; Fréchet distance by a classifier trained on this data:",
            "",
            *scores(runs),
        ]
    for run in SHOWN:
        lines += section(run, int(settings.datasets[settings.runs[run].dataset].model_extra["levels"]))  # type: ignore[index]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
