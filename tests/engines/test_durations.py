"""The longest trainings start first: what is expected of each, that Snakemake is told, and what it brings."""

import heapq
import json
import random
import re
from pathlib import Path

import pytest
from conftest import ROOT

from genbench.engines.durations import LARGER, STEP, priorities, training_seconds
from genbench.params.yaml import read

PARAMS = {
    "datasets": {"bits": {"source": "digits"}, "ring": {"source": "ring"}},
    "runs": {
        "bits-long": {"dataset": "bits", "model": "latent/vae", "steps": 300},
        "bits-control": {"dataset": "bits", "model": "controls/real"},
        "ring-long": {"dataset": "ring", "model": "flows/realnvp", "steps": 900},
    },
}


def took(folder: Path, run: str, text: str) -> None:
    (folder / "results/runs" / run).mkdir(parents=True)
    (folder / "results/runs" / run / "timing.json").write_text(text)


def test_unmeasured_trainings_are_judged_by_their_steps_and_the_kind_of_data(tmp_path: Path) -> None:
    found = training_seconds(tmp_path, PARAMS)
    assert found == pytest.approx(
        {"bits-long": 300 * LARGER * STEP, "bits-control": 0.0, "ring-long": 900 * STEP}
    )


def test_what_was_measured_here_counts_and_says_how_fast_steps_are(tmp_path: Path) -> None:
    took(tmp_path, "bits-long", json.dumps({"train": {"seconds": 48.0}}))
    took(tmp_path, "bits-control", "{")  # damaged: no measurement
    found = training_seconds(tmp_path, PARAMS)
    assert found == pytest.approx(
        {"bits-long": 48.0, "bits-control": 0.0, "ring-long": 900 * 48 / (300 * LARGER)}
    )


def test_a_dataset_comes_before_the_longest_training_on_it(tmp_path: Path) -> None:
    took(tmp_path, "ring-long", json.dumps({"train": {"seconds": 60.0}}))
    found = priorities(tmp_path, PARAMS)
    assert found["train"] == {"ring-long": 600, "bits-long": 600 * 300 * LARGER / 900, "bits-control": 0}
    assert found["prepare"] == {"ring": 601, "bits": found["train"]["bits-long"] + 1}


def test_snakemake_is_told(by_snakemake: Path) -> None:
    logs = sorted((by_snakemake / ".snakemake/log").glob("*.log"))
    jobs = re.split(r"\n(?=(?:local)?rule )", logs[0].read_text())
    told = {
        re.search(r"output: ([^,\n]+)", job)[1].removesuffix(" (update)"): int(found[1])  # type: ignore[index]
        for job in jobs
        if (found := re.search(r"^    priority: (\d+)$", job, re.M))
    }
    expected = round(10 * 40 * LARGER * STEP)
    assert told == {
        "data/bits.safetensors": expected + 1,
        "results/runs/bits-made/model.safetensors": expected,
    }


@pytest.mark.parametrize("cores", [2, 4, 8, 16])
def test_a_build_takes_hardly_longer_than_its_work_or_its_longest_training(
    tmp_path: Path, cores: int
) -> None:
    """The runs of the default benchmark, with times that were measured: heavy tails, whatever the steps say."""
    params, rng = read(ROOT / "params.yaml"), random.Random(0)
    seconds = {run: rng.lognormvariate(2.0, 1.5) for run, entry in params["runs"].items() if "steps" in entry}
    for run, value in seconds.items():
        took(tmp_path, run, json.dumps({"train": {"seconds": value}}))
    order = priorities(tmp_path, params)["train"]
    best = max(sum(seconds.values()) / cores, *seconds.values())
    assert makespan(sorted(seconds, key=lambda run: -order[run]), seconds, cores) <= 1.02 * best
    worst = sorted(seconds, key=lambda run: order[run])
    assert cores < 8 or makespan(worst, seconds, cores) > 1.1 * best


def makespan(runs: list[str], seconds: dict[str, float], cores: int) -> float:
    """Each core takes the next run when it is free."""
    free = [0.0] * cores
    for run in runs:
        heapq.heapreplace(free, free[0] + seconds[run])
    return max(free)
