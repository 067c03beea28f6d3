"""The larger benchmarks: folders with parameters of their own and links to the default benchmark's graph and code."""

import shutil
from pathlib import Path

import pytest
from conftest import ROOT, run_in
from graph import differences, dvc_graph, snakemake_graph

from genbench.params import load

FOLDERS = sorted(path.parent for path in (ROOT / "benchmarks").glob("*/params.yaml"))
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*.yaml")) if path.name != "dvc.yaml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_parameter_file_is_valid(path: Path) -> None:
    assert load(path).runs


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the benchmarks need of the repository: an engine may leave its own files where it reads."""
    for name in ("src", "stages", "workflow", ".dvc/plots"):
        left_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "dvc.lock")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=left_out)
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
    assert differences(graph, snakemake_graph(copy, "--configfile", f"{place}/params.yaml")) == []
    assert not (copy / ".snakemake").exists()  # the records lie in the benchmark's folder
    params = load(folder / "params.yaml")
    assert len(graph) == 2 * len(params.datasets) + 4 * len(params.runs) + 1


def test_snakemake_refuses_parameters_that_the_stages_would_not_read(copy: Path) -> None:
    for arguments in (("--configfile", "benchmarks/mnist/gpu.yaml"), ("--config", "device=cuda")):
        result = run_in(copy, "snakemake", "-n", *arguments)
        assert result.returncode != 0
        assert "params.yaml: other values stand on the command line" in result.stdout + result.stderr
