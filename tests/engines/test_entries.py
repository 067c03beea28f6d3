"""Entries of params.yaml as files of their own: what DVC watches in place of the whole file."""

import json
from pathlib import Path

import pytest
from conftest import PAIR, ROOT

from genbench.engines import entries
from genbench.engines.commands import whole
from genbench.params.yaml import read
from genbench.provenance.command import KEYS
from genbench.storage.files import InputError

TRAIN = "stages/train/dvc.yaml:train"


def test_every_entry_has_a_file_that_is_written_only_where_it_changes(tmp_path: Path) -> None:
    params = {"runs": {"a": {"lr": 1e-3}, "b-1.5": {"steps": [1, 2]}}, "datasets": {"d": {}}, "extractor": {}}
    entries.refresh(params, tmp_path)
    found = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*.json")}
    keys = {"runs", "datasets", "external", "extractor", "runs.a", "runs.b-1.5", "datasets.d"}
    assert {entries.key_of(place) for place in found} == keys
    assert {entries.place_of(key).as_posix() for key in keys} == found.keys()
    assert json.loads(found["results/params/runs/a.json"].read_bytes()) == {"lr": 1e-3}
    times = {place: path.stat().st_mtime_ns for place, path in found.items()}
    entries.refresh({**params, "runs": {"a": {"lr": 2e-3}, "c": {}}}, tmp_path)
    left = {place for place, path in found.items() if path.exists()}
    assert found.keys() - left == {"results/params/runs/b-1.5.json"}
    changed = {place for place in left if found[place].stat().st_mtime_ns != times[place]}
    assert changed == {"results/params/runs/a.json", "results/params/runs.json"}


@pytest.mark.parametrize(
    "place", ["params.yaml", "results/params.json", "results/runs/a/metrics.json", "results/params"]
)
def test_other_files_are_no_entries(place: str) -> None:
    assert entries.key_of(place) == ""


def test_every_parameter_that_a_stage_depends_on_has_a_file() -> None:
    held = entries.contents(read(ROOT / "params.yaml"))
    names = {"run": "digits-vae", "dataset": "digits"}
    for keys in KEYS.values():
        for key in keys:
            if key != "external.{run}":  # of samples made elsewhere
                assert entries.place_of(key.format(**names)) in held


def test_a_stage_of_dvc_runs_only_with_what_dvc_has_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edited after DVC has looked, and edited back later: DVC would take the result for that of the first."""
    path = tmp_path / "params.yaml"
    path.write_text(PAIR)
    monkeypatch.chdir(tmp_path)
    entries.refresh(read(path))
    monkeypatch.setenv("DVC_STAGE", f"{TRAIN}@bits-made")
    path.write_text(PAIR.replace("steps: 40", "steps: 41"))
    with pytest.raises(
        InputError, match=r"params\.yaml: runs\.bits-made: is not what results/params/runs/bits-made"
    ):
        whole(["train"], path)
    with pytest.raises(InputError, match=r"runs: is not what results/params/runs\.json"):
        whole(["report", "--out", "results/report"], path)
    monkeypatch.setenv("DVC_STAGE", "stages/novelty/dvc.yaml:novelty@bits-made")
    assert whole(["novelty"], path)[:3] == ["novelty", "--run", "bits-made"]  # asks for no parameters
    monkeypatch.setenv("DVC_STAGE", f"{TRAIN}@bits-copycat")
    assert whole(["train"], path)[2] == "bits-copycat"  # another run's entry may change
    monkeypatch.delenv("DVC_STAGE")
    assert whole(["report", "--out", "results/report"], path)[0] == "report"  # by hand, or under Snakemake
