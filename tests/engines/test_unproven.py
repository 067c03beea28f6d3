"""What Snakemake is told to make again: whatever a receipt does not prove, for each way in which that happens."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import copy_of

from genbench.engines import proofs
from genbench.engines.proofs import Hashes
from genbench.engines.unproven import MEMORY, date_now, said, unproven
from genbench.params.yaml import read
from genbench.provenance import fingerprints
from genbench.provenance.receipts import recording
from genbench.storage.files import md5, read_bytes, write_all

RUN = "results/runs/bits-made"
OUTPUTS = {
    "prepare": ["data/bits.safetensors"],
    "extractor": ["results/extractors/bits.safetensors", "results/extractors/bits.json"],
    "reference": ["results/references/bits.safetensors"],
    "train": [f"{RUN}/{name}" for name in ("model.safetensors", "curve.csv", "followed.npz", "frames.npz")],
    "sample": [f"{RUN}/samples.npz", f"{RUN}/grid.png"],
    "novelty": [f"{RUN}/novelty.json", f"{RUN}/nearest.png"],
    "evaluate": [f"{RUN}/{name}" for name in ("metrics.json", "summary.json", "replicates.npz")],
}
EVERY = {out for outs in OUTPUTS.values() for out in outs}


@pytest.fixture
def workspace(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = copy_of(built, tmp_path / "copy")
    monkeypatch.chdir(folder)
    fingerprints.refresh(read(Path("params.yaml")))
    return folder


def again() -> dict[str, str]:
    return unproven(Path(), read(Path("params.yaml")))


def edited(name: str, before: str, after: str) -> None:
    path = Path(name)
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_what_receipts_prove_is_left_alone(workspace: Path) -> None:
    assert again() == {}
    assert said({}) == ""


@pytest.mark.parametrize("stage", OUTPUTS)
def test_an_edited_a_damaged_and_a_lost_output_is_made_again(workspace: Path, stage: str) -> None:
    for out in OUTPUTS[stage]:
        path = Path(out)
        content, times = path.read_bytes(), path.stat()
        for change, why in (
            (lambda p, c: p.write_bytes(c[:-1] + bytes([c[-1] ^ 1])), "damaged or edited"),
            (lambda p, c: p.unlink(), "is not there"),
        ):
            change(path, content)
            if path.exists():  # whatever its times say
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            found = again()
            assert set(OUTPUTS[stage]) <= found.keys()
            assert why in found[OUTPUTS[stage][0]] and out in found[out]
            assert found[out] in said(found).replace("\n  ", "\n").splitlines()
            path.write_bytes(content)
            assert again() == {}


@pytest.mark.parametrize(
    ("before", "after", "stages"),
    [
        ("threshold: 8", "threshold: 9", ["prepare"]),
        ("width: 8", "width: 9", ["extractor", "reference"]),
        ("hidden: 30", "hidden: 31", ["train", "sample", "evaluate"]),
    ],
)
def test_a_result_of_other_parameters_is_made_again(
    workspace: Path, before: str, after: str, stages: list[str]
) -> None:
    """Whatever the engine's record says: that of a stage which was killed or failed names the new ones."""
    edited("params.yaml", before, after)
    assert again().keys() == {out for stage in stages for out in OUTPUTS[stage]}


def test_a_result_of_other_code_and_one_without_a_receipt_are_made_again(workspace: Path) -> None:
    module = "src/genbench/models/autoregressive/made.py"
    edited("results/code/models/autoregressive/made.json", f'"{module}": "', f'"{module}": "1')
    found = again()
    assert found.keys() == {out for stage in ("train", "sample", "evaluate") for out in OUTPUTS[stage]}
    assert f"{module} is not what it was made with" in found[f"{RUN}/model.safetensors"]
    Path("results/receipts/prepare/bits.json").write_text("{")
    assert again()["data/bits.safetensors"] in said(again())


def test_receipts_of_what_the_parameters_no_longer_name_count_for_nothing(workspace: Path) -> None:
    edited("params.yaml", "bits-made", "bits-other")
    Path(f"{RUN}/model.safetensors").unlink()
    assert again().keys() <= EVERY
    assert f"{RUN}/model.safetensors" not in again()


def test_an_input_that_was_replaced_is_seen_by_its_content(workspace: Path) -> None:
    data = Path("data/bits.safetensors")
    content = data.read_bytes()
    data.write_bytes(content)  # other times, the same content
    assert again() == {}


OWN = """\
device: cpu
datasets:
  bits: {source: folder, root: mine, size: 8, grey: true}
extractor: {steps: 20, width: 8, features: 16}
external:
  bits-mine: {dataset: bits, samples: mine/}
runs:
  bits-copycat: {dataset: bits, model: controls/copycat}
"""
PREPARE = ("prepare", "--dataset", "bits", "--out", "data/bits.safetensors")
IMPORT = (
    "import",
    "--run",
    "bits-mine",
    "--data",
    "data/bits.safetensors",
    "--out",
    "results/runs/bits-mine",
)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda image: image.write_bytes(b"other"), True),
        (lambda image: image.with_name("new.png").write_bytes(b"new"), True),
        (lambda image: image.unlink(), True),
        (lambda image: image.write_bytes(image.read_bytes()), False),
        (lambda image: image.parent.rename("elsewhere"), False),
    ],
)
@pytest.mark.parametrize("stage", [PREPARE, IMPORT], ids=("root", "samples"))
def test_a_replaced_added_or_removed_image_of_the_user_s_own_is_seen(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], object],
    seen: bool,
    stage: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(OWN)
    Path("mine").mkdir()
    image = Path("mine/one.png")
    image.write_bytes(b"image")
    out = Path("data/bits.safetensors" if stage is PREPARE else "results/runs/bits-mine/samples.npz")
    with recording(stage):
        read(Path("params.yaml"))
        read_bytes(image, what="an image")
        write_all(out.parent, {out.name: b"made of it"})
    fingerprints.refresh(read(Path("params.yaml")))
    assert again() == {}
    change(image)
    seen |= stage is IMPORT and not image.parent.exists()  # raw data alone may go once it is prepared
    found = again()
    assert list(found) == ([out.as_posix()] if seen else [])
    assert not seen or "mine/" in found[out.as_posix()]


def test_hashes_are_remembered_and_a_file_in_motion_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, memory = tmp_path / "old", tmp_path / "new", tmp_path / MEMORY
    for path in (old, new):
        path.write_text("one")
    first = Hashes(tmp_path, memory=memory)
    monkeypatch.setattr(proofs, "SETTLED", -(10**12))
    assert first["old"] == md5(b"one")
    monkeypatch.setattr(proofs, "SETTLED", 10**12)
    assert first["new"] == md5(b"one")
    first.keep()
    assert list(json.loads(memory.read_bytes())) == ["old"]
    remembered = Hashes(tmp_path, memory=memory)
    monkeypatch.setattr(Path, "open", None)
    assert remembered["old"] == md5(b"one")
    monkeypatch.undo()
    new.write_text("two")
    assert Hashes(tmp_path, memory=memory)["new"] == md5(b"two")
    for damaged in ("", "[]", '{"old": 1}'):
        memory.write_text(damaged)
        assert Hashes(tmp_path, memory=memory)["old"] == first["old"]


def test_what_is_dated_in_the_future_gets_the_present_time(workspace: Path) -> None:
    params = read(Path("params.yaml")) | {"external": {"mine": {"samples": "mine"}}}
    Path("mine").mkdir()
    linked, future = Path(f"{RUN}/grid.png"), time.time() + 10**6
    target = linked.rename("elsewhere.png")
    linked.symlink_to(target.absolute())
    dated = [Path("mine"), Path("data/bits.safetensors"), Path("results/code/stages/train.json"), linked]
    for path in dated:
        os.utime(path, (future, future))
    assert set(date_now(Path(), params)) == {path.as_posix() for path in dated}
    assert all(path.stat().st_mtime <= time.time() for path in dated)
    assert date_now(Path(), params) == [] and again() == {}
