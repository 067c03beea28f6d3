"""The larger benchmarks: folders with parameters of their own and links to the default benchmark's graph and code."""

import csv
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import DATA, NO_SOURCES, ROOT, TINY, run_in
from graph import differences, dvc_graph, snakemake_graph

from genbench.data.prepared import load as data_of
from genbench.params.schema import load

FOLDERS = sorted(path.parent for path in (ROOT / "benchmarks").glob("*/params.yaml"))
PUBLISHED = [folder for folder in FOLDERS if (folder / "published.csv").exists()]
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*.yaml")) if path.name != "dvc.yaml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_parameter_file_is_valid(path: Path) -> None:
    assert load(path).runs


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the benchmarks need of the repository: an engine may leave its own files where it reads."""
    for name in ("src", "stages", "workflow", ".dvc/plots"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=NO_SOURCES)
    built = shutil.ignore_patterns("data", "results", "cache", "tmp", ".snakemake", "dvc.lock")
    shutil.copytree(ROOT / "benchmarks", tmp_path / "benchmarks", symlinks=True, ignore=built)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    assert run_in(tmp_path, "git", "init", "-q").returncode == 0
    return tmp_path


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_both_engines_describe_the_same_graph_in_the_folder_and_from_the_root(
    folder: Path, copy: Path
) -> None:
    place = folder.relative_to(ROOT)
    graph = dvc_graph(copy / place)
    assert differences(graph, snakemake_graph(copy / place)) == []
    if folder == FOLDERS[0]:  # nothing in the rules knows which it is
        assert differences(graph, snakemake_graph(copy, "--configfile", f"{place}/params.yaml")) == []
    assert not (copy / ".snakemake").exists()  # the records lie in the benchmark's folder
    params = load(folder / "params.yaml")
    assert len(graph) == 3 * len(params.datasets) + 4 * len(params.runs) + 1


def test_snakemake_refuses_parameters_that_the_stages_would_not_read(copy: Path) -> None:
    for arguments in (("--configfile", "benchmarks/mnist/gpu.yaml"), ("--config", "device=cuda")):
        result = run_in(copy, "snakemake", "-n", *arguments)
        assert result.returncode != 0
        assert "params.yaml: other values stand on the command line" in result.stdout + result.stderr


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_published_values_belong_to_runs_and_have_a_source(folder: Path) -> None:
    params = load(folder / "params.yaml")
    names = {name.removeprefix(f"{run.dataset}-") for name, run in params.runs.items()}
    with (folder / "published.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["run"] for row in rows}) == len(rows) > 0
    assert {row["run"] for row in rows} <= names
    assert all(row["nats"] and row["source"] for row in rows)


LIKELIHOODS = ROOT / "benchmarks/likelihoods.py"
BITS = (
    TINY.replace("copycat", "independent_pixels") + "  bits-noise: {dataset: bits, model: controls/noise}\n"
)


def test_the_table_of_likelihoods_has_our_value_beside_the_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "params.yaml").write_text(BITS)
    (tmp_path / "published.csv").write_text('run,nats,source\nindependent_pixels,"≤ 22.5, other","A, 1999"\n')
    run = "bits-independent_pixels"
    for command in (
        ("genbench", "prepare", "--dataset", "bits", "--out", "data/bits.safetensors"),
        ("genbench", "train", "--run", run, *DATA, "--out", f"results/runs/{run}"),
    ):
        result = run_in(tmp_path, *command)
        assert result.returncode == 0, result.stderr
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(LIKELIHOODS)])
    runpy.run_path(str(LIKELIHOODS), run_name="__main__")
    head, _, row = capsys.readouterr().out.splitlines()
    assert head.endswith("| published | source |")
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[0] == "independent_pixels"
    assert cells[-2:] == ["≤ 22.5, other", "A, 1999"]
    value, error = (float(number) for number in cells[1].split(" ± "))
    x = data_of(tmp_path / "data/bits.safetensors")
    p = (x.train.x.reshape(1000, -1).sum(0) + 1) / 1002  # add-one smoothing of two levels
    held_out = x.held_out.x.reshape(len(x.held_out.x), -1)
    nats = -(np.log(p) * held_out + np.log(1 - p) * (1 - held_out)).sum(1)
    assert value == pytest.approx(nats.mean(), abs=0.006)
    assert error == pytest.approx(nats.std(ddof=1) / len(nats) ** 0.5, abs=0.006)


def test_the_table_of_likelihoods_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(LIKELIHOODS)])
    for text, said in (
        (BITS, "data/bits.safetensors"),
        (
            BITS.replace("  bits:", "  two: {source: digits}\n  bits:", 1),
            "datasets has 2 entries; expected one",
        ),
    ):
        (tmp_path / "params.yaml").write_text(text)
        with pytest.raises(SystemExit, match=said) as end:
            runpy.run_path(str(LIKELIHOODS), run_name="__main__")
        assert str(end.value.code).count("\n") == 0  # one line on standard error, and exit code 1
