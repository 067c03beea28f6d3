"""Every kind of stage, killed or failing at three moments after a change of parameters, with earlier results there:
the same plain command goes on, and ends in the bytes of an undisturbed build.

Stages that compute nothing take the place of the real ones, see `stopping/standin.py`; engines, rules, files and
receipts are the real ones.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import forked
import pytest
from conftest import checkout, copy_of, made_once, run_in
from graph import dvc_graph

from genbench.provenance.command import Command
from genbench.runtime import warm

STOPPING = Path(__file__).parent / "stopping"
sys.path.insert(0, str(STOPPING))
import standin  # noqa: E402

MOMENTS = ("start", "writing", "renaming")
# What is stopped in one build: stages that do not wait for each other, each on all three subjects of its letter.
BUILDS = (
    ("prepare d",),
    ("extractor d", "train r", "import e"),
    ("reference d", "sample r"),
    ("novelty e", "evaluate e", "novelty r", "evaluate r"),
)
EACH = range(len(MOMENTS))  # a dataset, a run and an external entry for each moment
MODELS = ("copycat", "noise", "real")
BEFORE = "\n".join(
    [
        "device: cpu\ndatasets:",
        *(f"  d{i}: {{source: digits, train: 1000}}" for i in EACH),
        "extractor: {steps: 20, width: 8, features: 16}\nexternal:",
        *(f"  e{i}: {{dataset: d{i}, samples: mine/before.npz}}" for i in EACH),
        "runs:",
        *(f"  r{i}: {{dataset: d{i}, model: controls/{MODELS[i]}, seed: 1}}" for i in EACH),
        "",
    ]
)
AFTER = BEFORE.replace("1000", "900").replace("20", "21").replace("before", "after").replace("1}", "2}")
COMMANDS = {
    "snakemake": ("snakemake", "--cores", "2", "--keep-going", "--nocolor"),
    "dvc": ("dvc", "repro", "--keep-going"),
}


def stopped() -> Iterator[list[str]]:
    """For each build the stages that are stopped, and when."""
    for kinds in BUILDS:
        pairs = (kind.split() for kind in kinds)
        yield [f"{stage}:{letter}{i}:{MOMENTS[i]}" for stage, letter in pairs for i in EACH]
    yield from ([f"report:report:{moment}"] for moment in MOMENTS)


def outputs(folder: Path, stage: str = "", subject: str = "") -> dict[str, bytes]:
    """What lies in the places of a stage's outputs; of all stages, where none is named."""
    stages = json.loads((folder / "stages.json").read_bytes())
    chosen = (
        names["outputs"]
        for command, names in stages.items()
        if command.startswith(f"genbench {stage}") and Command(command.split()[1:]).subject.endswith(subject)
    )
    return {out: (folder / out).read_bytes() for outs in chosen for out in outs}


def but_the_page(found: dict[str, bytes]) -> dict[str, bytes]:
    return {out: content for out, content in found.items() if not out.startswith("results/report/")}


def build(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An undisturbed build."""
    graph = dvc_graph(folder).values()
    by_output = {out: stage for stage in graph for out in stage.outputs}
    stages = {
        stage.command: {
            "inputs": sorted(path for path in stage.inputs if not path.startswith("results/code/")),
            "outputs": sorted(stage.outputs),
        }
        for stage in graph
    }
    (folder / "stages.json").write_text(json.dumps(stages))
    monkeypatch.chdir(folder)
    waiting, done = list(graph), set()
    for stage in itertools.cycle(waiting):
        if stage.command not in done and all(
            path not in by_output or by_output[path].command in done for path in stage.inputs
        ):
            standin.run(stage.command.split()[1:])
            done.add(stage.command)
        if len(done) == len(waiting):
            return


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A workspace whose earlier results both engines know, and one with what the new parameters give."""
    top = made_once(tmp_path_factory, "stopped", make)
    return top / "built", top / "new"


def make(top: Path) -> None:
    folder = checkout(top / "built", BEFORE)
    (folder / "mine").mkdir()
    for name in ("before", "after"):
        (folder / f"mine/{name}.npz").write_text(name)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("genbench.provenance.receipts.refuse_other_code", lambda: None)
        for name in ("DVC_STAGE", "GENBENCH_SNAKEMAKE"):
            monkeypatch.delenv(name, raising=False)
        new = copy_of(folder, top / "new")
        (new / "params.yaml").write_text(AFTER)
        build(new, monkeypatch)
        build(folder, monkeypatch)
    for command in (("snakemake", "--touch", "--forceall", "--cores", "1"), ("dvc", "commit", "-f", "-q")):
        result = run_in(folder, *command)
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("engine", COMMANDS)
def test_a_stage_stopped_at_any_moment_loses_nothing_and_the_same_command_goes_on(
    workspaces: tuple[Path, Path], tmp_path: Path, engine: str
) -> None:
    built, new = workspaces
    folder = copy_of(built, tmp_path / "folder")
    for name in ("params.yaml", "stages.json"):
        shutil.copy(new / name, folder)
    # What one engine's stage is killed at, the other's fails at.
    hows = itertools.cycle(("kill", "fail") if engine == "snakemake" else ("fail", "kill"))
    *but_the_last, last = stopped()
    for stops in (*but_the_last, last):
        if stops is last:  # all but the page is built: results may be damaged, and are made again before it
            assert but_the_page(outputs(folder)) == but_the_page(outputs(new))
            spoil(folder)
        text = " ".join(f"{stop}:{next(hows)}" for stop in stops)
        result = build_with(folder, engine, text)
        assert result.returncode != 0, text + result.stdout + result.stderr
        for stage, subject, moment in (stop.split(":") for stop in stops):
            if engine == "snakemake" or moment != "renaming":
                assert outputs(folder, stage, subject) == outputs(built, stage, subject), text
    result = build_with(folder, engine)
    assert result.returncode == 0, result.stdout + result.stderr
    assert outputs(folder) == outputs(new)
    assert not list(folder.glob("data/*.partial")) + list(folder.glob("results/**/*.partial"))
    again = build_with(folder, engine)
    assert "Nothing to be done" in again.stderr or "up to date" in again.stdout


@pytest.mark.slow
@pytest.mark.parametrize("engine", COMMANDS)
def test_what_is_edited_while_a_stage_runs_stops_it_and_the_same_command_goes_on(
    workspaces: tuple[Path, Path], tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry of the parameters, and the code of a model: no result is taken for one of what stands there now."""
    built, _ = workspaces
    folder = copy_of(built, tmp_path / "folder")
    entry = "r0: {dataset: d0, model: controls/copycat, seed: "
    (folder / "params.yaml").write_text(BEFORE.replace(f"{entry}1", f"{entry}2"))
    model = "results/runs/r0/model.safetensors"
    edits = (
        "params.yaml=seed: 2=seed: 3",
        "src/genbench/models/controls/copycat.py=\nclass =\nPLANTED: int\n\n\nclass ",
    )
    for edit in edits:
        stop = f"train:r0:writing:{edit}".replace(" ", "\t")
        if edit.startswith("src"):  # what the edit is of
            with_code_of(folder, monkeypatch)
        result = build_with(folder, engine, stop)
        assert result.returncode != 0
        file = edit.partition("=")[0]
        said = result.stdout + result.stderr
        assert f"{file}: runs.r0: changed while" in said or f"{file}: changed while" in said
        assert (folder / model).read_bytes() == (built / model).read_bytes()
    result = build_with(folder, engine)
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads((folder / model).read_bytes())["parameters"]["runs.r0"]["seed"] == 3
    assert run_in(folder, "genbench", "sync", "--strict").returncode == 0


def with_code_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands load the package from this folder, and are forked from a process that has done so."""
    monkeypatch.setenv("PYTHONPATH", str(folder / "src"))
    monkeypatch.delenv(forked.ADDRESS, raising=False)
    warm.start(forked.SERVER, forked.ADDRESS)  # setting what monkeypatch restores


def build_with(folder: Path, engine: str, stop: str = "") -> subprocess.CompletedProcess[str]:
    """A build by stand-ins of the stages."""
    path = os.pathsep.join([str(STOPPING), str(Path(sys.executable).parent), os.environ["PATH"]])
    return run_in(folder, *COMMANDS[engine], STOP=stop, PATH=path)


def spoil(folder: Path) -> None:
    """What happens to results behind an engine's back: damaged, edited and lost files, and clocks that were wrong."""
    for name in ("data/d0.safetensors", "results/runs/r2/metrics.json"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    (folder / "results/runs/r1/samples.npz").unlink()
    for name in ("results/extractors/d1.json", "results/runs/r0/model.safetensors", "mine/after.npz"):
        os.utime(folder / name, (2**32, 2**32))
