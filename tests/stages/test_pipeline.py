"""The commands as a user runs them: whole, killed, on damaged files, and with a model of the user's own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA, EXTRACTOR, NO_SOURCES, REFERENCE, ROOT, RUN, SMALL, STAGES, TINY, run_in

from genbench.runtime import warm
from genbench.scoring.resampling import REST


def fails(folder: Path, *arguments: str) -> str:
    """The one line a failing command says; nothing in results/ may change."""
    before = {path: path.read_bytes() for path in (folder / "results").rglob("*") if path.is_file()}
    result = run_in(folder, "genbench", *arguments)
    assert result.returncode == 1, result.stderr
    assert result.stderr.startswith("genbench: error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    after = {path: path.read_bytes() for path in (folder / "results").rglob("*") if path.is_file()}
    assert before == after
    return result.stderr


def test_a_run_leaves_its_whole_story(built: Path) -> None:
    folder = built / "results/runs/bits-made"
    assert sorted(path.name for path in folder.iterdir()) == [
        "curve.csv",
        "followed.npz",
        "frames.npz",
        "grid.png",
        "metrics.json",
        "model.safetensors",
        "nearest.png",
        "novelty.json",
        "replicates.npz",
        "samples.npz",
        "summary.json",
        "timing.json",
    ]
    metrics = json.loads((folder / "metrics.json").read_text())
    summary = json.loads((folder / "summary.json").read_text())
    assert 0 < len(summary) <= 5
    assert summary == {name: metrics["scores"][name]["value"] for name in summary}
    scores = metrics["scores"]
    assert metrics["likelihood"] == "exact"
    assert metrics["n"] == metrics["held_out"] == 797
    bounded = [score for name, score in scores.items() if not name.startswith("clipped")]
    assert all(score["low"] <= score["value"] <= score["high"] for score in bounded)
    assert scores["bits_per_dim"]["value"] == pytest.approx(scores["nll"]["value"] / (64 * np.log(2)))
    assert sum(metrics["class_histogram"]) == pytest.approx(1)
    assert metrics["extractors"][0]["fid"] == scores["fid"]
    assert [found["name"] for found in metrics["extractors"]] == [
        "classifier, seed 0",
        "classifier, seed 3",
        "random-convolution",
        "pca-pixels",
    ]
    replicates = np.load(folder / "replicates.npz")
    assert {name.removesuffix(REST) for name in replicates.files} == set(scores)
    assert all(replicates[name].shape == (100,) for name in replicates.files)
    samples = np.load(folder / "samples.npz")
    assert samples["x"].shape == (797, 1, 8, 8)
    assert samples["completion"].shape == (6, 7, 1, 8, 8)
    assert (samples["completion"][:, :, :, :4] == samples["completion"][:, :1, :, :4]).all()


def test_scores_do_not_depend_on_the_threads_that_an_engine_allows(workspace: Path) -> None:
    """Snakemake sets these variables to a job's threads, DVC leaves them alone; the bytes must be the same."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    arguments = ("genbench", "evaluate", *RUN, "--extractor", EXTRACTOR)
    contents = []
    for threads in ("1", "2"):
        assert run_in(workspace, *arguments, **dict.fromkeys(names, threads)).returncode == 0
        contents.append((workspace / "results/runs/bits-made/metrics.json").read_bytes())
    assert contents[0] == contents[1]
    loaded = run_in(
        workspace, sys.executable, "-c", "import sys, genbench.cli; print('numpy' in sys.modules)"
    )
    assert loaded.stdout.strip() == "False", "NumPy is loaded before its threads are fixed"


WITHOUT_TORCH = ("check", "prepare", "import", "novelty")
WITH_TORCH = ("extractor", "reference", "train", "sample", "evaluate")
COMMANDS = STAGES | {
    "check": ("check",),
    "import": ("import", "--run", "bits-mine", *DATA, "--out", "results/runs/bits-mine"),
}
COLD = f"""
import sys
from genbench import cli

for commands in {[[COMMANDS[name] for name in names] for names in (WITHOUT_TORCH, WITH_TORCH)]}:
    for arguments in commands:
        sys.argv = ["genbench", *arguments]
        try:
            cli.main()
        except SystemExit as end:
            if end.code:
                raise
    print("modules:", *sys.modules)
"""


def test_stages_import_torch_only_where_they_need_it_and_write_what_warm_ones_write(
    built: Path, workspace: Path
) -> None:
    """One process that starts cold: first what needs no torch, then the rest, and never the compiler."""
    mine = "{bits-mine: {dataset: bits, samples: results/runs/bits-made/samples.npz}}"
    (workspace / "params.yaml").write_text(SMALL.replace("external: {}", f"external: {mine}"))
    outputs = [path for top in ("data", "results") for path in (workspace / top).rglob("*") if path.is_file()]
    outputs = [path for path in outputs if path.suffix != ".json" or "runs" in path.parts]
    outputs = [path for path in outputs if path.name != "timing.json"]
    times = {path: path.stat().st_mtime_ns for path in outputs}
    done = run_in(workspace, sys.executable, "-c", COLD, **{warm.VARIABLE: ""})
    assert done.returncode == 0, done.stderr
    without, all_loaded = (
        set(line.split()) for line in done.stdout.splitlines() if line.startswith("modules:")
    )
    assert "genbench.params.schema" in without
    assert "torch" not in without
    assert "torch" in all_loaded
    assert not all_loaded & {"torch._dynamo", "torchvision", "matplotlib"}
    assert len(outputs) == 1 + 1 + 1 + 11
    for path in outputs:
        assert path.stat().st_mtime_ns != times[path], path
        assert path.read_bytes() == (built / path.relative_to(workspace)).read_bytes(), path


def test_every_command_shows_an_example(built: Path) -> None:
    listed = run_in(built, "genbench", "--help").stdout
    commands = (
        "check",
        "code",
        "prepare",
        "extractor",
        "reference",
        "train",
        "sample",
        "novelty",
        "evaluate",
        "report",
        "show",
        "sync",
        "verify",
    )
    assert all(command in listed for command in commands)
    for command in commands:
        assert f"genbench {command}" in run_in(built, "genbench", command, "--help", COLUMNS="200").stdout


def test_killed_at_any_moment_and_run_again_gives_the_same_bytes(workspace: Path) -> None:
    params = SMALL.replace("steps: 40", "steps: 700")
    (workspace / "params.yaml").write_text(params)
    assert run_in(workspace, "genbench", "train", *RUN).returncode == 0
    model = workspace / "results/runs/bits-made/model.safetensors"
    curve = workspace / "results/runs/bits-made/curve.csv"
    expected = model.read_bytes(), curve.read_bytes()
    model.unlink()
    curve.unlink()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # Killed where it stands, and with sets in another order than those of the warm one that goes on.
    environment = {**os.environ, "PATH": path, "GENBENCH_CHECKPOINT_SECONDS": "0.05", "PYTHONHASHSEED": "5"}
    process = subprocess.Popen(
        ["genbench", "train", *RUN], cwd=workspace, env=environment, stderr=subprocess.DEVNULL
    )
    checkpoint = workspace / "results/checkpoints/bits-made.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert checkpoint.exists()
    assert not model.exists()
    again = run_in(workspace, "genbench", "train", *RUN)
    assert "resuming from step" in again.stderr
    assert (model.read_bytes(), curve.read_bytes()) == expected
    assert not checkpoint.exists()


def without_receipts(folder: Path) -> None:
    """Nothing says any more what a stage wrote, as for files from elsewhere."""
    shutil.rmtree(folder / "results/receipts")


@pytest.mark.parametrize("name", ["data/bits.safetensors", EXTRACTOR, "results/runs/bits-made/samples.npz"])
def test_one_flipped_bit_of_a_stage_s_output_is_not_built_upon(workspace: Path, name: str) -> None:
    flip(workspace / name)
    said = fails(workspace, "evaluate", *RUN, "--extractor", EXTRACTOR)
    assert f"{name}: is not what its stage wrote (damaged or edited)" in said
    assert "start the build again" in said


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)


def test_a_truncated_dataset_is_named(workspace: Path) -> None:
    data = workspace / "data/bits.safetensors"
    data.write_bytes(data.read_bytes()[:5000])
    assert "data/bits.safetensors: is not what its stage wrote" in fails(workspace, "train", *RUN)
    without_receipts(workspace)
    assert "data/bits.safetensors: damaged" in fails(workspace, "train", *RUN)


def test_weights_of_another_model_are_named(workspace: Path) -> None:
    (workspace / "params.yaml").write_text(
        SMALL.replace("autoregressive/made, hidden: 30", "latent/vae, hidden: 30")
    )
    said = fails(workspace, "sample", *RUN)
    assert (
        "model.safetensors: these weights belong to model 'autoregressive/made'; expected 'latent/vae'"
        in said
    )


def test_truncated_weights_are_named(workspace: Path) -> None:
    model = workspace / "results/runs/bits-made/model.safetensors"
    model.write_bytes(model.read_bytes()[:-100])
    assert "model.safetensors: is not what its stage wrote" in fails(workspace, "sample", *RUN)
    without_receipts(workspace)
    assert "model.safetensors: damaged" in fails(workspace, "sample", *RUN)
    model.write_bytes(b"")
    assert "model.safetensors: damaged" in fails(workspace, "sample", *RUN)


def test_damaged_and_foreign_samples_are_named(workspace: Path) -> None:
    samples = workspace / "results/runs/bits-made/samples.npz"
    samples.write_bytes(samples.read_bytes()[:-50])
    assert "samples.npz: is not what its stage wrote" in fails(workspace, "novelty", *RUN)
    without_receipts(workspace)
    assert "samples.npz: the samples is damaged" in fails(workspace, "novelty", *RUN)
    np.savez(samples, x=np.full((10, 1, 8, 8), 9, np.uint8))
    assert "array 'x' holds 9; expected levels below 2" in fails(workspace, "novelty", *RUN)
    np.savez(samples, x=np.array([{}], dtype=object))
    assert "samples.npz" in fails(workspace, "novelty", *RUN)


def test_an_extractor_of_other_data_is_named(workspace: Path) -> None:
    assert (
        run_in(
            workspace, "genbench", "prepare", "--dataset", "digits", "--out", "data/bits.safetensors"
        ).returncode
        == 0
    )
    said = fails(workspace, "evaluate", *RUN, "--extractor", EXTRACTOR)
    assert "holds dataset 'digits'; run bits-made expects 'bits'" in said


def test_scores_with_and_without_the_reference_are_the_same_bytes(workspace: Path) -> None:
    """Those of the built run were made with it."""
    names = ("metrics.json", "replicates.npz", "summary.json", "novelty.json", "nearest.png")
    paths = [workspace / "results/runs/bits-made" / name for name in names]
    before = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    for arguments in (("evaluate", *RUN, "--extractor", EXTRACTOR), ("novelty", *RUN)):
        assert run_in(workspace, "genbench", *arguments).returncode == 0
    assert [path.read_bytes() for path in paths] == before


def test_a_run_on_half_of_a_training_set_is_held_against_that_half(workspace: Path) -> None:
    """Not against what is known of the whole."""
    half = "  bits-half: {dataset: bits, model: controls/noise, half: a}\n"
    (workspace / "params.yaml").write_text(SMALL + half)
    run = ("--run", "bits-half", *DATA, "--out", "results/runs/bits-half")
    scored = ("evaluate", *run, "--extractor", EXTRACTOR)
    found = []
    for arguments in (("train", *run), ("sample", *run), scored, (*scored, *REFERENCE)):
        done = run_in(workspace, "genbench", *arguments)
        assert done.returncode == 0, done.stderr
        if arguments[0] == "evaluate":
            found.append((workspace / "results/runs/bits-half/metrics.json").read_bytes())
    assert found[0] == found[1]


def test_a_reference_that_is_stale_or_damaged_is_named(workspace: Path) -> None:
    without_receipts(workspace)
    path = workspace / REFERENCE[1]
    path.write_bytes(path.read_bytes()[:-1])
    scored = ("evaluate", *RUN, "--extractor", EXTRACTOR, *REFERENCE)
    for arguments in (scored, ("novelty", *RUN, *REFERENCE)):
        assert "bits.safetensors: damaged or no reference of a dataset" in fails(workspace, *arguments)
    again = ("reference", *DATA, "--extractor", EXTRACTOR, "--out", REFERENCE[1])
    assert run_in(workspace, "genbench", *again).returncode == 0
    params = workspace / "params.yaml"
    params.write_text(SMALL.replace("width: 8", "width: 9"))
    assert run_in(workspace, "genbench", "extractor", *DATA, "--out", EXTRACTOR).returncode == 0
    assert "bits.safetensors: was made with another extractor than is there" in fails(workspace, *scored)


def test_a_typo_stops_snakemake_before_it_touches_a_result(tmp_path: Path) -> None:
    for name in ("src", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=NO_SOURCES)
    (tmp_path / "params.yaml").write_text(SMALL.replace("hidden: 30", "hiden: 30"))
    result = run_in(tmp_path, "snakemake", "--cores", "1")
    assert result.returncode != 0
    assert (
        "params.yaml: runs.bits-made.hiden: unknown key; did you mean 'hidden'?"
        in result.stdout + result.stderr
    )
    assert not (tmp_path / "results/runs").exists()


def test_the_readme_shows_how_to_add_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of the README, word for word, in a copy of the project: one file, one entry, a new row."""
    readme = (ROOT / "README.md").read_text()
    section = readme[readme.index("## Add your own model") :]
    file, code = re.search(
        r"`(src/genbench/models/\S+\.py)`.*?```python\n(.*?)```", section, flags=re.S
    ).groups()  # type: ignore[union-attr]
    entry = re.search(r"```yaml\n(.*?)```", section, flags=re.S).group(1)  # type: ignore[union-attr]
    for name in ("src", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=NO_SOURCES)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(code)
    name = entry.strip().partition(":")[0]
    monkeypatch.delenv(warm.VARIABLE, raising=False)  # Snakemake then starts a process with this code
    head = TINY[: TINY.index("  bits-copycat:")].replace("bits: {", "digits: {").replace(", threshold: 8", "")
    (tmp_path / "params.yaml").write_text(head + entry)
    result = run_in(tmp_path, "snakemake", "--cores", "2", PYTHONPATH=str(tmp_path / "src"))
    assert result.returncode == 0, result.stdout + result.stderr
    row = next(
        line for line in (tmp_path / "results/report/headline.csv").read_text().splitlines() if name in line
    )
    assert "digits" in row
    assert f"run-{name}" in (tmp_path / "results/report/index.html").read_text()
