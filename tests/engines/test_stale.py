"""An edit makes stale exactly what can reach it: for DVC, for Snakemake and for `genbench sync`."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import checkout, copy_of, made_once, run_in
from dvc.repo import Repo
from graph import Graph, Stage, dvc_graph
from reach import MODULES, module_of, reached
from test_engines import planned_by_snakemake

from genbench.engines import dvc
from genbench.engines.proofs import Hashes, assess
from genbench.params.yaml import read
from genbench.provenance import fingerprints
from genbench.provenance.receipts import param_hashes
from genbench.provenance.sources import PACKAGE

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


@pytest.fixture(scope="module")
def up_to_date(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that both engines take for built: its outputs are there, though empty, and recorded as they are."""
    return made_once(tmp_path_factory, "up_to_date", make)


def make(folder: Path) -> None:
    checkout(folder, PARAMS)
    for stage in dvc_graph(folder).values():
        for out in stage.outputs:
            (folder / out).parent.mkdir(parents=True, exist_ok=True)
            (folder / out).write_bytes(out.encode())
    touch = ("snakemake", "--touch", "--forceall", "--cores", "1")
    for command in (touch, ("dvc", "commit", "-f", "-q"), ("genbench", "sync", "--strict")):
        result = run_in(folder, *command)
        assert result.returncode == 0, result.stdout + result.stderr
    assert stale(folder) == (set(), set(), set())


@pytest.fixture
def workspace(up_to_date: Path, tmp_path: Path) -> Path:
    return copy_of(up_to_date, tmp_path / "copy")


@pytest.fixture(scope="module")
def shared(up_to_date: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy for edits of one file each, which are taken back: what was read of the others is remembered in it."""
    return copy_of(up_to_date, tmp_path_factory.mktemp("shared") / "copy")


@pytest.fixture
def edited(shared: Path) -> Iterator[Callable[[str], Path]]:
    """Edits one source of the shared copy; it is as it was after the test."""
    before: dict[Path, bytes | None] = {}

    def edit(name: str) -> Path:
        file = shared / "src/genbench" / name
        before[file] = file.read_bytes() if file.exists() else None
        file.write_bytes((before[file] or b"") + b"\nPLANTED = 1\n")
        return shared

    yield edit
    for file, content in before.items():
        file.unlink() if content is None else file.write_bytes(content)


def stale(folder: Path, **environment: str) -> tuple[set[str], set[str], set[str]]:
    """What code makes stale for DVC and for sync, and what Snakemake would run: that, and what follows it.

    The clone's own code says in results/code what it is; DVC and `sync` read only that.
    """
    write_code(folder, **environment)
    return *stale_for_dvc_and_sync(folder), planned_by_snakemake(folder, **environment)


def write_code(folder: Path, **environment: str) -> None:
    assert run_in(folder, "genbench", "code", **environment).returncode == 0


def stale_for_dvc_and_sync(folder: Path) -> tuple[set[str], set[str]]:
    by_dvc = [
        name
        for name, causes in Repo(str(folder)).status().items()
        for cause in causes
        if any("results/code/" in path for path in (cause.get("changed deps") or {}) if name != "code")
        or "results/code/kinds/drawing" in (cause.get("changed deps") or {})
    ]
    with dvc.project(folder) as project:
        params = param_hashes(read(folder / "params.yaml"))
        verdicts = assess(project.stages.values(), {}, params, Hashes(folder))
    by_sync = [name for name, verdict in verdicts.items() if verdict.state == "stale"]
    short = [{name.rpartition(":")[2] for name in names} for names in (by_dvc, by_sync)]
    return short[0], short[1]


def with_what_follows(graph: Graph, names: set[str]) -> set[str]:
    """Stages and all that depend on them."""
    found = {name_of(stage): stage for stage in graph.values()}
    reached = set(names)
    while True:
        outputs = {out for name in reached for out in found[name].outputs}
        more = {name for name, stage in found.items() if stage.inputs & outputs} - reached
        if not more:
            return reached
        reached |= more


def name_of(stage: Stage) -> str:
    """`train@digits-made` from a stage's command."""
    _, command, *options = stage.command.split()
    given = dict(zip(options[::2], options[1::2], strict=True))
    about = given.get("--run") or given.get("--dataset") or Path(given.get("--data", "")).stem
    return f"{command}@{about}" if about else command


def of(stages: str, *names: str) -> set[str]:
    return {f"{stage}@{name}" for stage in stages.split() for name in names}


EVERY_STAGE_OF_A_RUN = "train sample evaluate"
CASES = {
    # The four that hand-kept lists missed: every result depends on a seed; a derived dataset on its base; a new file on
    # nothing; a colour of meshes on meshes alone.
    "seed_of": (
        "runtime/machine.py",
        of("extractor reference", *DATASETS) | of(EVERY_STAGE_OF_A_RUN, *RUNS),
    ),
    "a base": ("data/sources/digits.py", of("prepare", "digits", "edges")),
    "a new file": ("nn/new.py", set()),
    "a picture of meshes": ("kinds/mesh/rendering.py", of("sample novelty", "meshes-real") | {"report"}),
    "how all are drawn": ("kinds/drawing.py", of("sample novelty", *RUNS) | {"report"}),
    "how far images are from each other": (
        "kinds/image/distance.py",
        of("novelty evaluate", "digits-copycat", "digits-made", "edges-real")
        | of("reference", "digits", "edges"),
    ),
    "what gives the features of images": (
        "extractors/classifier.py",
        of("extractor reference", "digits", "edges")
        | of("evaluate", "digits-copycat", "digits-made", "edges-real"),
    ),
    # A score is no reason to train an extractor or a model again, nor to draw samples, nor to look at a dataset again.
    "a score": ("scoring/metrics/frechet.py", of("novelty evaluate", *RUNS) | {"report"}),
    "what images are compared by": (
        "kinds/image/comparison.py",
        of("evaluate", "digits-copycat", "digits-made", "edges-real"),
    ),
    "a model": ("models/autoregressive/made.py", of(EVERY_STAGE_OF_A_RUN, "digits-made")),
}


# Snakemake's rules name the same files as DVC's stages (`test_engines.py`, which also asks it about a model).
ASKED_OF_SNAKEMAKE = ("a base", "a score")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_an_edit_makes_stale_what_can_reach_it(edited: Callable[[str], Path], case: str) -> None:
    name, expected = CASES[case]
    workspace = edited(name)
    write_code(workspace)
    assert stale_for_dvc_and_sync(workspace) == (expected, expected)
    if case in ASKED_OF_SNAKEMAKE:
        planned = with_what_follows(dvc_graph(workspace, code=False), expected)
        assert planned_by_snakemake(workspace) == planned


def reaching(workspace: Path, graph: Graph) -> Iterator[tuple[str, set[str]]]:
    """Every stage, and all modules that it can reach: grimp reads the imports."""
    roots = fingerprints.places(read(workspace / "params.yaml"))
    for stage in graph.values():
        places = [
            path.removeprefix("results/code/") for path in stage.inputs if path.startswith("results/code/")
        ]
        yield name_of(stage), {name for place in places for root in roots[place] for name in reached(root)}


@pytest.mark.exhaustive
@pytest.mark.parametrize("module", [path.relative_to(PACKAGE).as_posix() for path in MODULES])
def test_an_edit_of_any_module_makes_stale_what_can_reach_it(
    edited: Callable[[str], Path], module: str
) -> None:
    workspace = edited(module)
    found, graph = stale(workspace), dvc_graph(workspace, code=False)
    expected = {
        stage for stage, modules in reaching(workspace, graph) if module_of(PACKAGE / module) in modules
    }
    assert found == (expected, expected, with_what_follows(graph, expected))


@pytest.mark.slow
def test_a_changed_parameter_makes_its_own_stages_stale(workspace: Path) -> None:
    """DVC sees that params.yaml is another; once its stage `code` has written down the entries, it sees which is."""
    params = workspace / "params.yaml"
    params.write_text(PARAMS.replace("made, steps: 10", "made, steps: 11"))
    assert changed_entries(workspace) == {"code": {"params.yaml"}}
    write_code(workspace)
    own = of(EVERY_STAGE_OF_A_RUN, "digits-made")
    found = changed_entries(workspace)
    assert found.pop("code") == {"params.yaml"}
    assert found.pop("report") == {"results/params/runs.json"}
    assert found == {stage: {"results/params/runs/digits-made.json"} for stage in own}
    planned = with_what_follows(dvc_graph(workspace, code=False), own)
    assert planned_by_snakemake(workspace) == planned


def changed_entries(folder: Path) -> dict[str, set[str]]:
    """What DVC finds changed of parameters: of each stage the files."""
    found = {}
    for stage, causes in Repo(str(folder)).status().items():
        files = {path for cause in causes for path in cause.get("changed deps") or {} if "params" in path}
        if files:
            found[stage.rpartition(":")[2]] = files
    return found


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
    assert planned_by_snakemake(workspace) == set()


@pytest.mark.slow
def test_what_was_made_for_an_entry_that_is_gone_is_in_no_lock(workspace: Path) -> None:
    """It stays, though, and counts again where its entry comes back."""
    params, lock = workspace / "params.yaml", workspace / "dvc.lock"
    run, data = workspace / "results/runs/digits-old [1]/grid.png", workspace / "data/old.safetensors"
    run.parent.mkdir()
    for place in (run, data):
        place.write_bytes(b"made for an entry that is gone")
    before = lock.read_bytes()
    assert stale(workspace) == (set(), set(), set())
    assert Repo(str(workspace)).status() == {}
    committed = run_in(workspace, "dvc", "commit", "-f", "-q", "report")
    assert committed.returncode == 0, committed.stderr
    assert lock.read_bytes() == before and run.is_file() and data.is_file()

    params.write_text(PARAMS + "  old: {dataset: digits, model: controls/real}\n")
    write_code(workspace)
    (workspace / "results/runs/old").mkdir()
    (workspace / "results/runs/old/grid.png").write_bytes(b"")
    write_code(workspace)
    assert "/old\n" not in (workspace / "results/runs/.dvcignore").read_text()
    params.write_text(PARAMS)
    write_code(workspace)
    assert (workspace / "results/runs/.dvcignore").read_text() == "/.dvcignore\n/digits-old\\ \\[1\\]\n/old\n"
    assert (workspace / "data/.dvcignore").read_text() == "/.dvcignore\n/old.safetensors\n"
    data.unlink()
    write_code(workspace)
    assert not (workspace / "data/.dvcignore").exists()
