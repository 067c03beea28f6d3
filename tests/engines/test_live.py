"""Laws of `genbench show --live`: what runs is told from what has stopped, and what is missing is counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genbench.engines.live import clock, look, told
from genbench.params.schema import Params, load

NOW = 2_000_000_000.0


@pytest.fixture(scope="module")
def params() -> Params:
    return load(Path(__file__).parents[2] / "params.yaml")


def leave(path: Path, content: str, age: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (NOW - age, NOW - age))


def line(run: str, step: int, end: int = 1000) -> str:
    return f"resuming from step 3\n{run} fit: step {step}/{end} nll=12.5 2,000 images/s\n"


def test_a_training_says_where_it_is_and_what_is_left(tmp_path: Path, params: Params) -> None:
    run, entry = next((name, entry) for name, entry in params.runs.items() if entry.steps)
    leave(tmp_path / f"results/logs/train/{run}.log", line(run, 250), 5)
    (found,) = look(tmp_path, params, NOW).running
    assert (found.run, found.phase, found.step, found.losses) == (run, "fit", 250, "nll=12.5")
    assert found.seconds_left == 750 * entry.batch_size / 2000
    assert told(look(tmp_path, params, NOW)).startswith(f"{run} fit: step 250 of 1,000 (25 %), ")


def test_what_is_through_or_silent_does_not_run(tmp_path: Path, params: Params) -> None:
    through, silent = list(params.runs)[:2]
    leave(tmp_path / f"results/logs/train/{through}.log", line(through, 1000), 5)
    leave(tmp_path / f"results/logs/train/{silent}.log", line(silent, 250), 600)
    leave(tmp_path / f"results/checkpoints/{silent}.pt", "", 600)
    assert look(tmp_path, params, NOW).running == []
    assert told(look(tmp_path, params, NOW)).startswith("No training is running here.")


def test_without_a_log_a_checkpoint_tells(tmp_path: Path, params: Params) -> None:
    run = next(iter(params.runs))
    leave(tmp_path / f"results/checkpoints/{run}.pt", "", 12)
    assert (
        told(look(tmp_path, params, NOW)).splitlines()[0]
        == f"{run}: training; its last checkpoint is 12 s old"
    )


def test_what_is_missing_is_counted(tmp_path: Path, params: Params) -> None:
    run, dataset = next(iter(params.runs)), next(iter(params.datasets))
    leave(tmp_path / f"results/runs/{run}/model.safetensors", "", 5)
    leave(tmp_path / f"data/{dataset}.safetensors", "", 5)
    left = look(tmp_path, params, NOW).left
    assert left["train"] == (len(params.runs) - 1, len(params.runs))
    assert left["prepare"] == (len(params.datasets) - 1, len(params.datasets))
    assert f"train {len(params.runs) - 1} of {len(params.runs)}" in told(look(tmp_path, params, NOW))


def test_a_stage_whose_output_is_newer_than_its_log_is_through(tmp_path: Path, params: Params) -> None:
    run = next(iter(params.runs))
    leave(tmp_path / f"results/logs/evaluate/{run}.log", "", 20)
    assert look(tmp_path, params, NOW).working == [f"evaluate@{run}"]
    leave(tmp_path / f"results/runs/{run}/metrics.json", "", 10)
    assert look(tmp_path, params, NOW).working == []


def test_times_in_words() -> None:
    assert [clock(seconds) for seconds in (8.4, 125, 4320)] == ["8 s", "2 min 5 s", "1 h 12 min"]
