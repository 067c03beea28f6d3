"""An edit makes stale exactly what can reach it: for DVC, for Snakemake and for `genbench sync`."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import checkout, copy_of, run_in
from graph import dvc_graph
from test_engines import planned_by_snakemake

PARAMS = """\
device: cpu
datasets:
  digits: {source: digits, train: 1000}
  edges: {source: translation, base: digits, transform: edges, paired: true, train: 1000}
  ring: {source: ring}
  sprinkler: {source: sprinkler}
  meshes: {source: meshes, train: 50, held_out: 20}
extractor: {steps: 20, width: 8, features: 16}
external: {}
runs:
  digits-copycat: {dataset: digits, model: controls/copycat}
  digits-made: {dataset: digits, model: autoregressive/made, steps: 10}
  edges-real: {dataset: edges, model: controls/real}
  ring-realnvp: {dataset: ring, model: flows/realnvp, steps: 10}
  sprinkler-bayes_net: {dataset: sprinkler, model: explicit/bayes_net}
  meshes-real: {dataset: meshes, model: controls/real}
"""
RUNS = re.findall(r"^  (\S+): \{dataset", PARAMS, flags=re.M)
DATASETS = ("digits", "edges", "ring", "sprinkler", "meshes")
# What a clone says of itself: the code that runs must be its own.
STALE = """\
import json, sys
from pathlib import Path
from genbench.engines.sync import sync
found = sync(Path.cwd(), dry_run=True).verdicts.values()
print(json.dumps(sorted(v.stage.name.rpartition(":")[2] for v in found if v.state == "stale")))
"""


@pytest.fixture(scope="module")
def up_to_date(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that both engines take for built: its outputs are there, though empty, and recorded as they are."""
    folder = checkout(tmp_path_factory.mktemp("stale") / "clone", PARAMS)
    assert run_in(folder, "genbench", "code").returncode == 0
    for stage in dvc_graph(folder).values():
        for out in stage.outputs - {"results/code"}:
            (folder / out).parent.mkdir(parents=True, exist_ok=True)
            (folder / out).write_bytes(out.encode())
    for command in (("snakemake", "--touch", "--forceall", "--cores", "1"), ("dvc", "commit", "-f", "-q")):
        result = run_in(folder, *command)
        assert result.returncode == 0, result.stdout + result.stderr
    assert stale(folder) == (set(), set(), set())
    return folder


@pytest.fixture
def workspace(up_to_date: Path, tmp_path: Path) -> Iterator[Path]:
    return copy_of(up_to_date, tmp_path / "copy")


def stale(folder: Path, **environment: str) -> tuple[set[str], set[str], set[str]]:
    """What DVC, Snakemake and sync would run again because of its own code, and not because of what is before it."""
    assert run_in(folder, "genbench", "code", **environment).returncode == 0
    status = run_in(folder, "dvc", "status", "--json", **environment)
    assert status.returncode == 0, status.stderr
    by_dvc = {
        name.rpartition(":")[2]
        for name, causes in json.loads(status.stdout or "{}").items()
        if any("results/code" in path for cause in causes for path in (cause.get("changed deps") or {}))
    }
    result = run_in(folder, sys.executable, "-c", STALE, **environment)
    assert result.returncode == 0, result.stderr
    return by_dvc, by_snakemake(folder, **environment), set(json.loads(result.stdout))


def by_snakemake(folder: Path, **environment: str) -> set[str]:
    result = run_in(folder, "snakemake", "-n", "--nocolor", **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    found = set()
    for block in re.split(r"\n(?=(?:local)?rule )", result.stdout):
        rule = re.match(r"(?:local)?rule (\w+):", block)
        reason = re.search(r"^ +reason: (.*)$", block, flags=re.M)
        if rule and reason and "results/code" in reason.group(1):
            wildcards = re.search(r"^ +wildcards: \w+=(\S+)$", block, flags=re.M)
            found.add(rule.group(1) + (f"@{wildcards.group(1)}" if wildcards else ""))
    return found


def of(stages: str, *names: str) -> set[str]:
    return {f"{stage}@{name}" for stage in stages.split() for name in names}


EVERY_STAGE_OF_A_RUN = "train sample evaluate"
CASES = {
    # The four that hand-kept lists missed: every result depends on a seed; a derived dataset on its base; a new file on
    # nothing; a colour of meshes on meshes alone.
    "seed_of": (
        "runtime/machine.py",
        of("extractor", *DATASETS) | of(EVERY_STAGE_OF_A_RUN, *RUNS),
    ),
    "a base": ("data/sources/digits.py", of("prepare", "digits", "edges")),
    "a new file": ("nn/new.py", set()),
    "a picture of meshes": (
        "kinds/mesh/rendering.py",
        of("extractor", "meshes") | of("sample novelty evaluate", "meshes-real") | {"report"},
    ),
    "a model": ("models/autoregressive/made.py", of(EVERY_STAGE_OF_A_RUN, "digits-made")),
    "a page": ("report/templates/index.html", {"report"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_an_edit_makes_stale_what_can_reach_it(workspace: Path, case: str) -> None:
    name, expected = CASES[case]
    file = workspace / "src/genbench" / name
    file.write_text((file.read_text() if file.exists() else "") + "\nPLANTED = 1\n")
    assert stale(workspace) == (expected, expected, expected)


@pytest.mark.slow
def test_another_release_of_a_package_makes_stale_what_computes_with_it(
    workspace: Path, tmp_path: Path
) -> None:
    """pandas reads the curves for the report, and nothing else does."""
    release = tmp_path / "packages/pandas-99.0.dist-info"
    release.mkdir(parents=True)
    (release / "METADATA").write_text("Metadata-Version: 2.1\nName: pandas\nVersion: 99.0\n")
    path = f"{release.parent}:{workspace / 'src'}"
    assert stale(workspace, PYTHONPATH=path) == ({"report"}, {"report"}, {"report"})


def test_comments_make_nothing_stale(workspace: Path) -> None:
    for file in (workspace / "src/genbench").rglob("*.py"):
        file.write_text(file.read_text() + "\n# Only a comment.\n")
    assert by_snakemake(workspace) == planned_by_snakemake(workspace) == set()
