"""Prepared datasets: splits, cards, and what is said of damaged files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command

from genbench.data import prepared as data
from genbench.data.source import Part, Source
from genbench.data.splits import hide_held_out, stratified_split
from genbench.params.schema import Dataset
from genbench.params.signatures import source_names, source_signature
from genbench.storage.files import InputError, write_all


@pytest.fixture(scope="module")
def digits() -> bytes:
    return data.prepare("digits", Dataset(source="digits"))


def prepared(content: bytes, folder) -> data.Prepared:  # type: ignore[no-untyped-def]
    path = folder / "set.safetensors"
    path.write_bytes(content)
    return data.load(path)


def test_digits_are_the_bundled_images_split_once(digits: bytes, tmp_path) -> None:  # type: ignore[no-untyped-def]
    from sklearn.datasets import load_digits

    ready = prepared(digits, tmp_path)
    assert ready.train.x.shape == (1000, 1, 8, 8)
    assert ready.held_out.x.shape == (797, 1, 8, 8)
    ours = np.sort(np.concatenate([ready.train.x, ready.held_out.x]).reshape(1797, -1), axis=0)
    assert np.array_equal(ours, np.sort(load_digits().data.astype(np.uint8), axis=0))
    assert ready.card["counts"] == {"train": 1000, "held_out": 797}
    assert ready.levels == 17
    assert ready.train.x.max() == 16


def test_the_split_is_stratified_and_follows_the_seed() -> None:
    labels = np.repeat(np.arange(10), 50)
    first, second = stratified_split(labels, 250, seed=3)
    assert sorted([*first, *second]) == list(range(500))
    assert set(np.bincount(labels[first])) <= {24, 25, 26}
    again, _ = stratified_split(labels, 250, seed=3)
    other, _ = stratified_split(labels, 250, seed=4)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_binarisation_keeps_the_split(digits: bytes, tmp_path) -> None:  # type: ignore[no-untyped-def]
    grey = prepared(digits, tmp_path)
    bits = prepared(data.prepare("bits", Dataset(source="digits", threshold=8)), tmp_path)
    assert bits.levels == 2
    assert np.array_equal(bits.held_out.x, grey.held_out.x >= 8)


def test_validation_never_shows_the_held_out_images(digits: bytes, tmp_path) -> None:  # type: ignore[no-untyped-def]
    final = prepared(digits, tmp_path)
    tuning = prepared(data.prepare("digits", Dataset(source="digits", validation=True)), tmp_path)
    assert (len(tuning.train.x), len(tuning.held_out.x)) == (800, 200)
    train = {image.tobytes() for image in final.train.x}
    assert all(image.tobytes() in train for image in [*tuning.train.x, *tuning.held_out.x])


def test_the_same_entry_gives_the_same_bytes(digits: bytes) -> None:
    assert data.prepare("digits", Dataset(source="digits")) == digits


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:-1000], "damaged"),
        (lambda content: content[:5], "damaged"),
        (lambda content: b"", "damaged"),
        (lambda content: b"not a dataset at all" * 100, "damaged"),
    ],
)
def test_a_damaged_file_is_named(digits: bytes, tmp_path, damage, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=r"set\.safetensors") as error:
        prepared(damage(digits), tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_validation_keeps_equal_images_on_one_side(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).integers(0, 17, (60, 1, 4, 4), dtype=np.uint8)
    labels = np.random.default_rng(1).integers(0, 5, 240)
    source = Source(Part(np.tile(x, (4, 1, 1, 1)), labels), Part(x, labels[:60]), 17, 5, {})
    split = hide_held_out(source)
    train, validation = ({image.tobytes() for image in part} for part in (split.train.x, split.held_out.x))
    assert not train & validation
    assert (len(train), len(validation)) == (48, 12)
    assert (len(split.train.x), len(split.held_out.x)) == (192, 48)
    label_of = {image.tobytes(): set(labels[i::60]) for i, image in enumerate(x)}
    assert all(y in label_of[image.tobytes()] for image, y in zip(split.train.x, split.train.y, strict=True))


def test_validation_of_different_images_is_stratified(digits: bytes, tmp_path) -> None:  # type: ignore[no-untyped-def]
    final = prepared(digits, tmp_path)
    tuning = prepared(data.prepare("digits", Dataset(source="digits", validation=True)), tmp_path)
    shares = np.bincount(tuning.held_out.y) / np.bincount(final.train.y)
    assert np.abs(shares - 0.2).max() < 0.02


@pytest.mark.parametrize("source", [name for name in source_names() if "seed" in source_signature(name, "")])
def test_a_negative_seed_is_refused_by_every_source(source: str) -> None:
    with pytest.raises(InputError, match="seed: got -1; expected at least 0"):
        data.prepare("set", Dataset(source=source, seed=-1))


def test_a_count_beyond_all_memory_is_refused() -> None:
    with pytest.raises(InputError, match="held_out: got 1000000000000; expected at most 100000000"):
        data.prepare("set", Dataset(source="ring", held_out=10**12))


@pytest.mark.parametrize(
    ("options", "classes"),
    [
        ({"source": "digits"}, "0123456789"),
        ({"source": "digits", "threshold": 8}, "0123456789"),
        ({"source": "faces", "size": 12, "train": 30, "identities": 3, "label": "glasses"}, None),
        ({"source": "translation", "transform": "negative"}, "0123456789"),
    ],
)
def test_a_card_of_images_says_their_range_and_classes(
    tmp_path, options: dict[str, Any], classes: str | None
) -> None:  # type: ignore[no-untyped-def]
    ready = prepared(data.prepare("set", Dataset(**options)), tmp_path)
    both = np.concatenate([ready.train.x, ready.held_out.x])
    assert ready.card["range"] == [both.min(), both.max()]
    assert len(ready.card["class_names"]) == ready.classes
    assert classes is None or ready.card["class_names"] == list(classes)


@pytest.mark.parametrize("options", [{"train": 1797}, {"train": 0}, {"threshold": 17}, {"threshold": 0}])
def test_impossible_options_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"train|threshold"):
        data.prepare("digits", Dataset(source="digits", **options))


def test_an_output_that_is_no_file_is_left_alone(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "folder", Path("/dev/null")):
        with pytest.raises(InputError, match=f"{place}: is no file; expected the name of one"):
            write_all(place.parent, {place.name: b"new"})
    assert Path("/dev/null").is_char_device()
    (tmp_path / "file").write_text("earlier")

    def broken() -> Iterator[bytes]:
        yield b"new"
        raise InputError("damaged")

    with pytest.raises(InputError, match="damaged"):
        write_all(tmp_path, {"file": broken()})
    with pytest.raises(InputError, match="file/x: cannot be written: "):
        write_all(tmp_path, {"new": b"new", "file/x": b"new"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "earlier"


def test_a_missing_file_is_named(genbench: Command) -> None:
    result = genbench("extractor", "--data", "data/none.safetensors", "--out", "results/x.safetensors")
    assert result.returncode == 1
    assert "data/none.safetensors" in result.stderr
    assert result.stderr.count("\n") == 1
