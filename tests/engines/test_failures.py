"""A build ends with what failed and why; the rest is built."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import TINY, checkout, run_in

from genbench.engines.failures import reason, table

FAILING = (
    TINY + "  bits-made: {dataset: bits, model: autoregressive/made, hidden: 10, steps: 20, lr: 1.0e+20}\n"
)


def test_a_build_ends_with_what_failed_and_why_and_the_rest_is_built(tmp_path: Path) -> None:
    folder = checkout(tmp_path, FAILING)
    models = [f"results/runs/{run}/model.safetensors" for run in ("bits-copycat", "bits-made")]
    options = ("snakemake", "--cores", "2", "--keep-going", "--nocolor")
    samples = "results/runs/bits-made/samples.npz"
    result = run_in(folder, *options, *models, samples)
    assert result.returncode == 1
    said = result.stderr[
        result.stderr.index("1 stage failed, 1 not run; what succeeded stays") :
    ].splitlines()
    assert said[1].split() == ["stage", "of", "why"]
    assert said[2].startswith("train  bits-made  runs.bits-made: ")
    assert "finite" in said[2]
    assert [(folder / model).exists() for model in models] == [True, False]


def test_the_reason_is_the_last_word_of_the_log(tmp_path: Path) -> None:
    texts = {
        "said": "step 1\ngenbench: error: params.yaml: no\n",
        "killed": "step 1\nstep 2\n",
        "empty": "",
        "crashed": "Traceback (most recent call last):\n  File\nKeyError: 'x'\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    failed = [("train", {"run": name}, [str(tmp_path / name)]) for name in (*texts, "none")]
    lines = table(failed, 3).splitlines()
    assert lines[1] == "5 stages failed, 3 not run; what succeeded stays"
    why = {line.split()[1]: line[len("train  crashed  ") :] for line in lines[3:]}
    assert why["said"] == "params.yaml: no"
    guess = "killed, out of memory, or the disk was full?"
    assert why["killed"].startswith(f"ended without an error, {guess} last line: step 2")
    assert why["empty"].startswith(f"ended without a word, {guess}")
    assert why["crashed"].startswith("KeyError: 'x' (traceback: ")
    assert why["none"].startswith("left no log")


def test_a_full_disk_is_named_before_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    log.write_text("")
    usage = SimpleNamespace(free=5 << 20)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert reason(log) == f"ended without a word, the disk is full (5 MiB left)? (log: {log})"
