"""Readers: what they read is what was drawn, the card says how well, and the file holds them beside the classifiers."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from genbench.data import prepared as data
from genbench.extractors import classifier, readers
from genbench.params.schema import Dataset
from genbench.params.schema import Extractor as Settings
from genbench.storage.files import InputError
from genbench.storage.weights import read_weights

SETTINGS = Settings(steps=40, batch_size=8, width=4, features=8, seeds=[0, 3])
OPTIONS = {"size": 16, "train": 300, "held_out": 60, "identities": 20}


class Made(NamedTuple):
    data: data.Prepared
    path: Path
    card: dict[str, dict[str, dict[str, float | bool | str]]]


def made(folder: Path, name: str, settings: Settings = SETTINGS, **options: object) -> Made:
    prepared, path = folder / f"{name}.safetensors", folder / f"{name}-extractor.safetensors"
    prepared.write_bytes(data.prepare(name, Dataset(**options)))  # type: ignore[arg-type]
    ready = data.load(prepared)
    content, card = classifier.train(ready, settings)
    path.write_bytes(content)
    return Made(ready, path, card)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("n"), "n", source="face_domains", domains="day_night", **OPTIONS)


def test_the_card_has_every_factor_with_an_interval_and_says_which_are_readable(night: Made) -> None:
    told = night.card["readers"]
    assert set(told) == set(night.data.card["factors"]) - {"identity"} | {"domain"}
    for name, found in told.items():
        assert found["low"] <= found["value"] <= found["high"], name  # type: ignore[operator]
        assert found["n"] == 2 * len(night.data.held_out.x), "targets and sources"
        assert found["readable"] == (found["value"] >= 0.95), name  # type: ignore[operator]
        discrete = name in ("domain", "hair", "hair_colour", "glasses", "background")
        assert found["score"] == ("accuracy" if discrete else "R²"), name
    assert told["domain"]["value"] > 0.8  # type: ignore[operator]


def test_what_is_loaded_reads_what_the_card_says(night: Made) -> None:
    found = readers.load(night.path, night.data)
    assert found is not None
    assert set(found.readable) == {name for name, told in night.card["readers"].items() if told["readable"]}
    x, truth = (
        readers.images(night.data, night.data.held_out),
        readers.truths(night.data, night.data.held_out),
    )
    read = found(x)
    for name in ("domain", "hair"):
        share = (read[name].values == truth[name]).mean()
        assert share == pytest.approx(night.card["readers"][name]["value"]), name
    pose = readers.r_squared(truth["pose"], read["pose"].values)[0]
    assert pose == pytest.approx(night.card["readers"]["pose"]["value"])
    assert (read["pose"].span, read["skin"].span) == (2, 1)
    few = found(x[:3])
    assert np.allclose(few["pose"].values, read["pose"].values[:3], atol=1e-5)
    assert readers.has_two_domains(night.data)


def test_classifiers_are_those_of_a_dataset_without_factors(night: Made, tmp_path: Path) -> None:
    """Readers take no draw from them, and leave no trace where no factor is known."""
    plain = night.data._replace(
        train=night.data.train._replace(factors=None), held_out=night.data.held_out._replace(factors=None)
    )
    content, card = classifier.train(plain, SETTINGS)
    (tmp_path / "plain.safetensors").write_bytes(content)
    assert "readers" not in card
    assert readers.load(tmp_path / "plain.safetensors", plain) is None
    expected = {"kind": "classifier"}
    alone = read_weights(tmp_path / "plain.safetensors", expected=expected)[0]
    beside = read_weights(night.path, expected=expected)[0]
    assert alone.keys() == {name for name in beside if not name.startswith(readers.PREFIX)}
    assert all(torch.equal(tensor, beside[name]) for name, tensor in alone.items())
    one, other = (classifier.load(path, night.data) for path in (night.path, tmp_path / "plain.safetensors"))
    x = night.data.held_out.x[:5]
    assert np.array_equal(one(x).features, other(x).features)


def test_sources_of_another_shape_are_not_read(tmp_path: Path) -> None:
    few = Settings(steps=2, width=4, features=8)
    found = made(tmp_path, "g", few, source="translation", base="faces", transform="grey", **OPTIONS)
    assert "domain" not in found.card["readers"]
    assert found.card["readers"]["hair"]["n"] == len(found.data.held_out.x)
    other = made(tmp_path, "h", few, source="translation", base="faces", transform="negative", **OPTIONS)
    assert "domain" in other.card["readers"]
    with pytest.raises(InputError, match="belong to data"):
        readers.load(other.path, found.data)


def test_distances_of_readings() -> None:
    hair = readers.Reading(np.array([0, 1]), np.array([[1.0, 0, 0], [0.25, 0.75, 0]]))
    assert hair.distance(hair).tolist() == [0, 0]
    assert hair.rows(np.array([[0], [1]])).distance(hair).tolist() == [[0, 0.75], [0.75, 0]]
    pose = readers.Reading(np.array([-1.0, 0.5]), span=2.0)
    assert pose.distance(pose.rows(np.array([1, 1]))).tolist() == [0.75, 0]
    assert readers.r_squared(np.array([0.0, 1, 2]), np.array([0.0, 1, 2])).tolist() == [1]
    assert readers.r_squared(np.array([0.0, 1, 2]), np.array([1.0, 1, 1])).tolist() == [0]
