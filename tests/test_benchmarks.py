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


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_both_engines_describe_the_same_graph_in_the_folder(folder: Path, tmp_path: Path) -> None:
    """In a copy of the repository: an engine may leave its own files where it reads."""
    for name in ("src", "stages", "workflow", ".dvc/plots"):
        left_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "dvc.lock")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=left_out)
    built = shutil.ignore_patterns("data", "results", "cache", "tmp", ".snakemake", "dvc.lock")
    shutil.copytree(ROOT / "benchmarks", tmp_path / "benchmarks", symlinks=True, ignore=built)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    assert run_in(tmp_path, "git", "init", "-q").returncode == 0
    copy = tmp_path / folder.relative_to(ROOT)
    graph = dvc_graph(copy)
    assert differences(graph, snakemake_graph(copy)) == []
    params = load(copy / "params.yaml")
    assert len(graph) == 2 * len(params.datasets) + 4 * len(params.runs) + 1
