"""Nothing of params.yaml reaches a shell: names are checked before anything runs, under whatever command of DVC."""

import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, TINY, checkout, run_in
from ruamel.yaml import YAML

from genbench.engines import entries
from genbench.engines.commands import completed, whole
from genbench.params.schema import load
from genbench.params.yaml import read
from genbench.storage.files import InputError

HOSTILE = 'x; touch PLANTED; echo $(touch PLANTED)`touch PLANTED` "|| touch PLANTED'
DESCRIPTIONS = [ROOT / "dvc.yaml", *sorted(ROOT.glob("stages/*/dvc.yaml"))]


@pytest.mark.parametrize("path", DESCRIPTIONS, ids=lambda path: path.parent.name)
def test_no_command_of_dvc_holds_a_parameter(path: Path) -> None:
    stages = YAML(typ="safe").load(path)["stages"].values()
    commands = [stage.get("do", stage)["cmd"] for stage in stages]
    assert commands
    assert all("$" not in command for command in commands)


def test_what_a_stage_is_about_follows_from_its_name_and_the_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(TINY)
    expected = "train --run bits-copycat --data data/bits.safetensors --out results/runs/bits-copycat"
    assert completed("train", "stages/train/dvc.yaml:train@bits-copycat", load(path)) == expected
    assert whole(["train"], path) == ["train"]  # outside of DVC
    monkeypatch.setenv("DVC_STAGE", "train@bits-copycat")
    monkeypatch.chdir(tmp_path)
    entries.refresh(read(path))
    assert whole(["train"], path) == expected.split()
    assert whole(["train", "--run", "x"], path) == ["train", "--run", "x"]
    assert whole(["report"], path) == ["report"]
    path.write_text(TINY.replace("bits-copycat:", "'bits-copycat; ls':"))
    with pytest.raises(InputError, match=r"runs\.bits-copycat; ls: not a usable name"):
        whole(["train"], path)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("commands") / "clone", TINY)


def says(folder: Path, *command: str) -> str:
    result: subprocess.CompletedProcess[str] = run_in(folder, *command)
    assert result.returncode != 0
    return result.stdout + result.stderr


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("  bits-copycat:", "  '{}':", "runs."),
        ("  bits:", "  '{}':", "datasets."),
        ("external: {}", "external:\n  '{}': {dataset: bits, samples: x.npz}", "external."),
        ("dataset: bits,", "dataset: 'bits{}',", "runs.bits-copycat.dataset"),
        ("controls/copycat", "'controls/copycat{}'", "runs.bits-copycat.model"),
    ],
)
def test_a_strangers_parameters_run_no_shell_code(clone: Path, old: str, new: str, key: str) -> None:
    assert old in TINY
    (clone / "params.yaml").write_text(TINY.replace(old, new.replace("{}", HOSTILE, 1), 1))
    said = says(clone, "dvc", "repro")
    assert f"genbench: error: params.yaml: {key}" in said
    assert not (clone / "PLANTED").exists()


def test_a_stage_asked_for_by_a_hostile_name_is_refused(clone: Path) -> None:
    """`-s` leaves out all that comes before, the check of the whole file among it."""
    name = HOSTILE
    (clone / "params.yaml").write_text(TINY.replace("bits-copycat:", f"'{name}':"))
    (clone / "data").mkdir(exist_ok=True)
    (clone / "data/bits.safetensors").write_bytes(b"")
    for place in ("code/stages/train.json", "code/models/controls/copycat.json", f"params/runs/{name}.json"):
        (clone / "results" / place).parent.mkdir(parents=True, exist_ok=True)
        (clone / "results" / place).write_bytes(b"{}")
    said = says(clone, "dvc", "repro", "-f", "-s", f"stages/train/dvc.yaml:train@{name}")
    assert f"genbench: error: params.yaml: runs.{name}: not a usable name" in said
    assert not (clone / "PLANTED").exists()
