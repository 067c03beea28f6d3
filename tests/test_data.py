"""Prepared datasets: splits, cards, and what is said of damaged files."""

import numpy as np
import pytest
from conftest import Command

from genbench import data
from genbench.files import InputError
from genbench.params import Dataset


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
    assert ready.train_x.shape == (1000, 1, 8, 8)
    assert ready.held_out_x.shape == (797, 1, 8, 8)
    ours = np.sort(np.concatenate([ready.train_x, ready.held_out_x]).reshape(1797, -1), axis=0)
    assert np.array_equal(ours, np.sort(load_digits().data.astype(np.uint8), axis=0))
    assert ready.card["counts"] == {"train": 1000, "held_out": 797}
    assert ready.levels == 17
    assert ready.train_x.max() == 16


def test_the_split_is_stratified_and_follows_the_seed() -> None:
    labels = np.repeat(np.arange(10), 50)
    first, second = data.stratified_split(labels, 250, seed=3)
    assert sorted([*first, *second]) == list(range(500))
    assert set(np.bincount(labels[first])) <= {24, 25, 26}
    again, _ = data.stratified_split(labels, 250, seed=3)
    other, _ = data.stratified_split(labels, 250, seed=4)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_binarisation_keeps_the_split(digits: bytes, tmp_path) -> None:  # type: ignore[no-untyped-def]
    grey = prepared(digits, tmp_path)
    bits = prepared(data.prepare("bits", Dataset(source="digits", threshold=8)), tmp_path)
    assert bits.levels == 2
    assert np.array_equal(bits.held_out_x, grey.held_out_x >= 8)


def test_validation_never_shows_the_held_out_images(digits: bytes, tmp_path) -> None:  # type: ignore[no-untyped-def]
    final = prepared(digits, tmp_path)
    tuning = prepared(data.prepare("digits", Dataset(source="digits", validation=True)), tmp_path)
    assert (len(tuning.train_x), len(tuning.held_out_x)) == (800, 200)
    train = {image.tobytes() for image in final.train_x}
    assert all(image.tobytes() in train for image in [*tuning.train_x, *tuning.held_out_x])


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


@pytest.mark.parametrize("options", [{"train": 1797}, {"train": 0}, {"threshold": 17}, {"threshold": 0}])
def test_impossible_options_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"train|threshold"):
        data.prepare("digits", Dataset(source="digits", **options))


def test_a_missing_file_is_named(genbench: Command) -> None:
    result = genbench("extractor", "--data", "data/none.safetensors", "--out", "results/x.safetensors")
    assert result.returncode == 1
    assert "data/none.safetensors" in result.stderr
    assert result.stderr.count("\n") == 1
