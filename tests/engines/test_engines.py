"""DVC and Snakemake describe one graph, and rerun the same stages for the same change."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PAIR, ROOT, SMALL, checkout, copy_of, run_in
from graph import differences, dvc_graph, snakemake_graph

from genbench.params.schema import load
from genbench.runtime import warm


def test_both_engines_describe_the_same_graph(tmp_path: Path) -> None:
    folder = checkout(tmp_path)  # without the locks, which say nothing of it
    graph = dvc_graph(folder)
    assert differences(graph, snakemake_graph(folder)) == []
    params = load(ROOT / "params.yaml")
    foreign = {entry.samples for entry in params.external.values()}  # each made by a stage of its own
    external = 3 * len(params.external) + len(foreign)
    assert len(graph) == 3 * len(params.datasets) + 4 * len(params.runs) + external + 1


def test_rules_changed_on_one_side_only_are_found(tmp_path: Path) -> None:
    """A command, an input and an output for Snakemake, and an input for DVC, each of another stage."""
    folder = checkout(tmp_path, SMALL)
    for file, text, planted in (
        ("workflow/rules/runs.smk", "genbench novelty --run", "genbench novelty --params p.yaml --run"),
        ("workflow/rules/runs.smk", '        code_of("sample"),\n', ""),
        ("workflow/rules/report.smk", '        update("results/report/headline.tex"),\n', ""),
        ("stages/train/dvc.yaml", "        - results/code/stages/train.json\n", ""),
    ):
        source = (folder / file).read_text()
        assert text in source
        (folder / file).write_text(source.replace(text, planted))
    found = differences(dvc_graph(folder), snakemake_graph(folder))
    files = {"nearest.png": "command", "grid.png": "inputs", "curve.csv": "inputs"}
    expected = {f"results/runs/{run}/{file}: {what}" for run in RUNS for file, what in files.items()}
    expected.add("results/report/headline.csv: outputs")
    assert {line.partition(" differ: ")[0] for line in found} == expected


RUNS = ("digits-copycat", "bits-made")


def artifacts(folder: Path) -> dict[str, bytes]:
    """Every result in data/ and results/: not code, parameters, logs, receipts, timings, or what an engine keeps."""
    files = [path for top in ("data", "results") for path in (folder / top).rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if path.name not in ("timing.json", "cost.html", "cost.csv", "cost.md", ".gitignore")
        and {"code", "logs", "params", "receipts"}.isdisjoint(path.parts)
    }


def planned_by_snakemake(folder: Path, **environment: str) -> set[str]:
    result = run_in(folder, "snakemake", "-n", "--nocolor", **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = re.findall(
        r"^rule (\w+):$.*?(?:^    wildcards: (\S+)$|^Shell|\Z)", result.stdout, flags=re.M | re.S
    )
    return {f"{rule}@{wildcards.partition('=')[2]}".rstrip("@") for rule, wildcards in jobs} - {"all"}


def planned_by_dvc(folder: Path) -> set[str]:
    assert run_in(folder, "genbench", "code").returncode == 0
    result = run_in(folder, "dvc", "repro", "--dry")
    assert result.returncode == 0, result.stdout + result.stderr
    return set(re.findall(r"Running stage '(?:\S+:)?(.+)'", result.stdout)) - {"code"}


def check_planned_by_dvc(folder: Path, stages: set[str]) -> None:
    """A dry run of DVC follows changes of files and parameters, not what will change because of them."""
    planned = planned_by_dvc(folder)
    assert planned <= stages
    assert next(stage for stage in stages if stage.startswith("train@")) in planned


@pytest.fixture
def other_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sets and dictionaries of strings in another order, in stages that start warm all the same."""
    monkeypatch.setenv("PYTHONHASHSEED", "2")
    monkeypatch.delenv(warm.VARIABLE, raising=False)
    process = warm.start()
    yield
    if process is not None and process.stdin is not None:
        process.stdin.close()


@pytest.mark.slow
def test_both_engines_give_the_same_bytes_and_rerun_the_same_stages(
    by_snakemake: Path, tmp_path: Path, other_hashes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = checkout(tmp_path / "with_dvc", PAIR), copy_of(by_snakemake, tmp_path / "with_snakemake")
    built = run_in(one, "dvc", "repro")
    monkeypatch.undo()
    assert built.returncode == 0, built.stdout + built.stderr

    ours, theirs = artifacts(one), artifacts(other)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []
    assert (
        len(ours) == 1 + 2 + 1 + 2 * 11 + 5 + 2 * 2
    )  # the last: plots of the page, with their specifications

    assert planned_by_dvc(one) == planned_by_snakemake(other) == set()

    for folder in (one, other):  # one entry of params.yaml
        (folder / "params.yaml").write_text(PAIR.replace("hidden: 30", "hidden: 31"))
    of_made = {f"{stage}@bits-made" for stage in ("train", "sample", "novelty", "evaluate")} | {"report"}
    assert planned_by_snakemake(other) == of_made
    check_planned_by_dvc(one, of_made)

    for folder in (one, other):  # one model's file
        (folder / "params.yaml").write_text(PAIR)
        model = folder / "src/genbench/models/controls/copycat.py"
        model.write_text(model.read_text() + "\nCHANGED = True\n")
    of_copycat = {f"{stage}@bits-copycat" for stage in ("train", "sample", "novelty", "evaluate")} | {
        "report"
    }
    assert planned_by_snakemake(other) == of_copycat
    check_planned_by_dvc(one, of_copycat)
