"""Samples made elsewhere become a row without a training."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import SMALL, run_in
from PIL import Image

from genbench.cli.stages import check
from genbench.data.prepared import LEAST_SAMPLES, load
from genbench.foreign.images import samples_of
from genbench.params.schema import load as load_params
from genbench.storage.files import InputError

ENTRY = "external:\n  bits-mine: {dataset: bits, samples: mine}\n"
ON = ("--run", "bits-mine", "--data", "data/bits.safetensors")


def test_a_folder_of_images_is_audited_and_scored_like_a_run(workspace: Path) -> None:
    lines = SMALL.replace("external: {}\n", ENTRY).splitlines(keepends=True)
    (workspace / "params.yaml").write_text("".join(line for line in lines if "  digits" not in line))
    data = load(workspace / "data/bits.safetensors")
    (workspace / "mine").mkdir()
    for i, image in enumerate(data.train.x[:60]):  # copies
        if i == LEAST_SAMPLES - 1:
            few = run_in(workspace, "genbench", "import", *ON, "--out", "results/runs/bits-mine")
            assert few.returncode == 1
            assert (
                "params.yaml: external.bits-mine.samples: mine holds uint8 (9, 1, 8, 8); expected"
                in few.stderr
            )
        Image.fromarray(image[0] * 255).save(workspace / f"mine/{i:03}.png")
    folder = workspace / "results/runs/bits-mine"
    for arguments in (
        ("import", *ON, "--out", "results/runs/bits-mine"),
        ("novelty", *ON, "--out", "results/runs/bits-mine"),
        (
            "evaluate",
            *ON,
            "--extractor",
            "results/extractors/bits.safetensors",
            "--out",
            "results/runs/bits-mine",
        ),
        ("report", "--out", "results/report"),
    ):
        done = run_in(workspace, "genbench", *arguments)
        assert done.returncode == 0, done.stderr
    assert not (folder / "model.safetensors").exists()
    assert np.array_equal(np.load(folder / "samples.npz")["x"], data.train.x[:60])
    assert json.loads((folder / "novelty.json").read_text())["scores"]["copy_rate"]["value"] == 1
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["model"], metrics["parameters"], metrics["n"]) == ("external/folder", None, 60)
    assert metrics["scores"]["fid"]["value"] >= 0
    page = (workspace / "results/report/index.html").read_text()
    assert 'id="run-bits-mine"' in page
    assert "external/folder" in page


def test_archives_are_taken_as_stored_or_brought_to_the_levels(workspace: Path, tmp_path: Path) -> None:
    data = load(workspace / "data/bits.safetensors")
    np.savez(tmp_path / "stored.npz", x=data.held_out.x)
    assert np.array_equal(samples_of(str(tmp_path / "stored.npz"), data), data.held_out.x)
    np.savez(tmp_path / "floats.npz", x=data.held_out.x * 0.9)
    assert np.array_equal(samples_of(str(tmp_path / "floats.npz"), data), data.held_out.x)
    np.savez(tmp_path / "wide.npz", x=np.zeros((5, 1, 9, 9), np.uint8))
    with pytest.raises(InputError, match=r"wide\.npz: images of shape \(1, 9, 9\); expected \(1, 8, 8\)"):
        samples_of(str(tmp_path / "wide.npz"), data)
    with pytest.raises(InputError, match=r"nowhere: no such file or folder"):
        samples_of(str(tmp_path / "nowhere"), data)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "bits-mine: {dataset: bots, samples: mine}",
            "external.bits-mine.dataset: unknown dataset 'bots'; did you",
        ),
        ("bits-made: {dataset: bits, samples: mine}", "external.bits-made: runs has an entry of this name"),
        ("bits-mine: {dataset: bits}", "external.bits-mine.samples: missing"),
        ("bits-mine: {dataset: bits, samples: a, steps: 3}", "external.bits-mine.steps: unknown key"),
    ],
)
def test_bad_entries_are_named(tmp_path: Path, entry: str, message: str) -> None:
    (tmp_path / "params.yaml").write_text(SMALL.replace("external: {}", f"external:\n  {entry}"))
    with pytest.raises(InputError) as caught:
        load_params(tmp_path / "params.yaml")
    assert message in str(caught.value)


def test_check_says_what_dvc_cannot_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results on another disk, samples in the home folder: the rest works, and is not refused."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "params.yaml").write_text(
        SMALL.replace("external: {}", "external:\n  bits-mine: {dataset: bits, samples: ~/mine}")
    )
    for linked in (False, True):
        if linked:
            (tmp_path / "results").symlink_to("scratch")
        check(Path("params.yaml"))
        said = capsys.readouterr().out
        assert (
            "all valid" in said and "note: external.bits-mine.samples: ~/mine is found by Snakemake" in said
        )
        assert ("note: results: a link to scratch; " in said) == linked
    (tmp_path / "params.yaml").write_text(SMALL)
    (tmp_path / "results").unlink()
    check(Path("params.yaml"))
    assert "note" not in capsys.readouterr().out
