"""Snakemake takes the parameters from the reading that the stages have, and no others."""

from pathlib import Path

import pytest
from conftest import SMALL, checkout, run_in
from snakemake.common.configfile import load_configfile

from genbench.engines.snakemake import parameters
from genbench.params.yaml import read
from genbench.storage.files import InputError


def test_an_exponent_and_a_name_are_what_the_stages_read(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(SMALL.replace("hidden: 30", "hidden: 30, lr: 1e-3").replace("bits-made:", "on:"))
    config = load_configfile(path)
    assert config["runs"][True]["lr"] == "1e-3"  # YAML 1.1
    content, settings = parameters(config, path)
    assert content == read(path)
    assert content["runs"]["on"]["lr"] == settings.runs["on"].hyperparameters["lr"] == 1e-3


def test_values_on_the_command_line_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(SMALL)
    config = load_configfile(path)
    assert parameters(config, path)[0] == config
    for other in ({"device": "cuda"}, {"a": "b"}, {"runs": {}}):
        with pytest.raises(InputError, match=r"params\.yaml: other values stand on the command line"):
            parameters(config | other, path)


def test_a_mistake_in_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(SMALL.replace("hidden: 30", "hiden: 30"))
    with pytest.raises(InputError, match=r"runs\.bits-made\.hiden: unknown key; did you mean 'hidden'"):
        parameters(load_configfile(path), path)


def test_the_workflow_takes_them_so(tmp_path: Path) -> None:
    folder = checkout(tmp_path, SMALL.replace("hidden: 30", "hidden: 30, lr: 1e-3"))
    assert run_in(folder, "genbench", "check").returncode == 0
    plan = run_in(folder, "snakemake", "-n")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    refused = run_in(folder, "snakemake", "-n", "--config", "device=cuda")
    assert refused.returncode != 0
    assert "params.yaml: other values stand on the command line" in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "# Größe\n".encode("latin-1") + SMALL.encode(),
            "params.yaml: not valid YAML: invalid start byte at byte 4; expected UTF-8",
        ),
        (SMALL.encode() + b"<<<<<<< HEAD\n", "params.yaml: not valid YAML: line"),
        (b"", "params.yaml: expected a mapping with the keys datasets"),
    ],
)
def test_a_file_that_is_no_yaml_is_named_by_snakemake_too(tmp_path: Path, content: bytes, said: str) -> None:
    folder = checkout(tmp_path, SMALL)
    (folder / "params.yaml").write_bytes(content)
    refused = run_in(folder, "snakemake", "-n")
    assert refused.returncode == 1
    assert said in refused.stdout + refused.stderr
    assert "site-packages" not in refused.stdout + refused.stderr


def test_what_the_workflow_cannot_write_is_named_without_a_stack(tmp_path: Path) -> None:
    folder = checkout(tmp_path, SMALL)
    (folder / "results").write_text("")
    refused = run_in(folder, "snakemake", "-n")
    said = refused.stdout + refused.stderr
    assert refused.returncode == 1
    assert "prepare.json: cannot be written: Not a directory" in said
    assert "fingerprints.py" not in said
