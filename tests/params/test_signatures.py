"""Signatures of models and sources are read from their files, and say what may stand in params.yaml."""

from pathlib import Path

import pytest
from conftest import SMALL

from genbench.params import signatures
from genbench.params.schema import load
from genbench.storage.files import InputError

MODEL = """
class Chosen:
    def __init__(self, space, *, network: Literal["mlp", "convolutional"] = "mlp", depth: int = 2) -> None: ...
"""
PARAMS = SMALL.replace("model: autoregressive/made, hidden: 30", "model: family/chosen, network: mlp")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of genbench/models, with one model."""
    folder = tmp_path / "models"
    (folder / "family").mkdir(parents=True)
    (folder / "family/chosen.py").write_text(MODEL)
    (folder / "controls").mkdir()
    (folder / "controls/copycat.py").write_text("class Copycat: ...\n")
    monkeypatch.setattr(signatures, "MODELS", folder)
    return folder


def loading(tmp_path: Path, text: str) -> object:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return load(path).runs["bits-made"].hyperparameters


def test_a_choice_is_one_of_those_that_the_signature_spells(models: Path, tmp_path: Path) -> None:
    assert "network: mlp" in PARAMS
    assert loading(tmp_path, PARAMS) == {"network": "mlp"}
    for given, shown in (("unet", "'unet'"), ("1", "1"), ("[mlp]", r"\['mlp'\]")):
        message = rf"runs\.bits-made\.network: got {shown}; expected 'mlp' or 'convolutional'"
        with pytest.raises(InputError, match=message):
            loading(tmp_path, PARAMS.replace("network: mlp", f"network: {given}"))


def test_what_params_cannot_give_is_named_in_the_signature(models: Path, tmp_path: Path) -> None:
    for annotation in ("Tensor", "dict[str, int]", ""):
        spelt = f"network: {annotation}" if annotation else "network"
        (models / "family/chosen.py").write_text(
            MODEL.replace('network: Literal["mlp", "convolutional"]', spelt)
        )
        with pytest.raises(InputError, match=r"cannot come from params\.yaml; expected one of Literal\[…\]"):
            loading(tmp_path, PARAMS)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "pictures.py").write_text("def load(*, root: str): ...\n")
    (folder / "cloud.py").write_text('KIND = "points"\ndef load(*, n: int = 3): ...\n')
    (folder / "derived.py").write_text(
        'def load(*, base: str = "cloud", turned: bool = True, **options): ...\n'
    )
    monkeypatch.setattr(signatures, "SOURCES", folder)
    return folder


def test_the_kind_of_a_source_stands_in_its_file_or_in_that_of_its_base(sources: Path) -> None:
    assert signatures.source_kind("pictures", {"root": "x"}) == "image"
    assert signatures.source_kind("cloud", {}) == "points"
    assert signatures.source_kind("derived", {}) == "points"
    assert signatures.source_kind("derived", {"base": "pictures"}) == "image"
    (sources / "derived.py").write_text('KIND = "table"\n' + (sources / "derived.py").read_text())
    assert signatures.source_kind("derived", {"base": "pictures"}) == "table"
    with pytest.raises(InputError, match="unknown source 'cluod'; did you mean 'cloud'"):
        signatures.source_kind("cluod", {})


def test_a_derived_source_takes_the_options_of_its_base(sources: Path) -> None:
    assert set(signatures.source_signature("derived", "d")) == {"base", "turned", "n"}
    assert set(signatures.source_signature("derived", "d", {"base": "pictures"})) == {
        "base",
        "turned",
        "root",
    }
    with pytest.raises(InputError, match="unknown source 'derived'; expected one of cloud, pictures"):
        signatures.source_signature("derived", "d", {"base": "derived"})
