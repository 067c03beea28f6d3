"""Sets of images as people have them: levels, ranges, axes, modes, links and names, each read for what it is."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from genbench.data import prepared as data
from genbench.data.parts import pictures
from genbench.data.prepared import Prepared
from genbench.foreign import images
from genbench.foreign.arrays import full_range
from genbench.foreign.images import read, samples_of
from genbench.params.schema import Dataset, External
from genbench.storage.files import InputError


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Prepared digits of 17 and of 2 levels."""
    folder = tmp_path_factory.mktemp("prepared")
    for levels, threshold in ((17, None), (2, 8)):
        entry = Dataset(source="digits", train=1000, threshold=threshold)
        (folder / f"{levels}.safetensors").write_bytes(data.prepare("digits", entry))
    return {levels: folder / f"{levels}.safetensors" for levels in (17, 2)}


@pytest.fixture(scope="module")
def prepared(stored: dict[int, Path]) -> dict[int, Prepared]:
    return {levels: data.load(path) for levels, path in stored.items()}


FORMS: dict[str, Callable[[np.ndarray, int], dict[str, Any]]] = {
    "as stored": lambda x, n: {"x": x},
    "(n, h, w)": lambda x, n: {"x": x[:, 0]},
    "(n, h, w, 1)": lambda x, n: {"x": x.transpose(0, 2, 3, 1)},
    "int64": lambda x, n: {"x": x.astype(np.int64)},
    "whole floats": lambda x, n: {"x": x[:, 0].astype(np.float64)},
    "0 … 255": lambda x, n: {"x": np.round(x * (255 / (n - 1))).astype(np.uint8)},
    "[0, 1]": lambda x, n: {"x": (x / (n - 1)).astype(np.float32)},
    "[-1, 1]": lambda x, n: {"x": (2 * x / (n - 1) - 1).astype(np.float32)},
    "RGB of save_image": lambda x, n: {
        "x": np.repeat(np.round(x * (255 / (n - 1))).astype(np.uint8), 3, axis=1).transpose(0, 2, 3, 1)
    },
    "guided-diffusion, with labels": lambda x, n: {
        "arr_0": np.round(x * (255 / (n - 1))).astype(np.uint8).transpose(0, 2, 3, 1),
        "arr_1": np.arange(len(x)),
    },
    "levels in the file": lambda x, n: {"x": x[:, 0], "levels": n},
}


@pytest.mark.parametrize("levels", [17, 2])
@pytest.mark.parametrize("form", FORMS)
def test_samples_keep_their_levels_in_every_form(
    form: str, levels: int, prepared: dict[int, Prepared], stored: dict[int, Path], tmp_path: Path
) -> None:
    x = prepared[levels].held_out.x[:40]
    np.savez(tmp_path / "x.npz", **FORMS[form](x, levels))
    assert np.array_equal(samples_of(str(tmp_path / "x.npz"), prepared[levels]), x)
    train = read(f"{stored[levels]}:train", "train")
    scored = read(str(tmp_path / "x.npz"), "samples", reference=train.reference)
    assert np.array_equal(scored.images, read(f"{stored[levels]}:held_out", "held_out").images[:40])


def test_a_npy_file_and_booleans_are_read(prepared: dict[int, Prepared], tmp_path: Path) -> None:
    x = prepared[2].held_out.x[:9]
    np.save(tmp_path / "x.npy", x[:, 0].astype(bool))
    assert np.array_equal(samples_of(str(tmp_path / "x.npy"), prepared[2]), x)
    assert read(str(tmp_path / "x.npy"), "samples").taken_for == "2 levels"


def test_the_axes_are_those_that_fit(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(
        0, 256, (5, 3, 4, 3), dtype=np.uint8
    )  # (n, c, h, w) or (n, h, w, c)
    np.save(tmp_path / "x.npy", x)
    for shape, expected in (((3, 4, 3), x), ((3, 3, 4), x.transpose(0, 3, 1, 2))):
        found = read(str(tmp_path / "x.npy"), "samples", reference=images.Reference(shape, 256, 255))
        assert np.array_equal(found.images, expected)


@pytest.mark.parametrize("top", [1, 16, 63])
def test_numbers_far_below_the_range_are_refused_unless_their_levels_are_known(
    top: int, prepared: dict[int, Prepared], tmp_path: Path
) -> None:
    x = (load_digits().images[:20] * (top / 16)).astype(np.uint8)
    x[0, 0, 0] = top
    np.savez(tmp_path / "x.npz", x=x)
    said = (
        rf"no pixel above {top} of 255, where 255 is reached otherwise; expected .*, or --levels N \(256 if"
    )
    whole = images.Reference((1, 8, 8), 256, 255)
    for reference in (whole, None):  # among samples, and where training images come in such a file
        with pytest.raises(InputError, match=said):
            read(str(tmp_path / "x.npz"), "samples", reference=reference)
    assert read(str(tmp_path / "x.npz"), "samples", reference=whole, levels=256).images.max() == top
    assert read(str(tmp_path / "x.npz"), "samples", reference=whole, levels=top + 1).images.max() == 255
    if top == 63:  # neither the 17 levels of the dataset nor its range
        with pytest.raises(InputError, match="or `levels: N` in the entry"):
            samples_of(str(tmp_path / "x.npz"), prepared[17])
    entry = External(dataset="digits", samples="x.npz", levels=top + 1)
    assert samples_of(str(tmp_path / "x.npz"), prepared[17], levels=entry.levels).max() == 16


def test_pictures_of_levels_are_refused_too_and_levels_says_what_they_are(tmp_path: Path) -> None:
    for i, image in enumerate(load_digits().images[:3].astype(np.uint8)):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    whole = images.Reference((1, 8, 8), 17, 255)
    with pytest.raises(InputError, match="no pixel above 16 of 255"):
        read(str(tmp_path), "samples", reference=whole)
    assert read(str(tmp_path), "samples", reference=whole, levels=17).images.max() == 255


def test_black_is_black_under_any_reading(prepared: dict[int, Prepared], tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((4, 1, 8, 8), np.uint8))
    (tmp_path / "png").mkdir()
    for i in range(3):
        Image.new("L", (8, 8)).save(tmp_path / f"png/{i}.png")
    for source in ("x.npz", "png"):
        assert not samples_of(str(tmp_path / source), prepared[17]).any()
        whole = images.Reference((1, 8, 8), 256, 255)
        assert not read(str(tmp_path / source), "samples", reference=whole).images.any()


def test_an_entry_without_levels_is_what_it_was() -> None:
    """The key must not change what weights, receipts and reports say of entries that do not name it."""
    assert External(dataset="a", samples="b").model_dump() == {"dataset": "a", "samples": "b", "seed": 0}


def test_grey_pictures_in_colour_are_grey_where_the_others_are(
    prepared: dict[int, Prepared], tmp_path: Path
) -> None:
    grey, rgb = (
        np.round(prepared[17].held_out.x[:6] * 15.9375).astype(np.uint8).repeat(c, 1) for c in (1, 3)
    )
    for i, image in enumerate(rgb.transpose(0, 2, 3, 1)):
        Image.fromarray(image if i else image[..., 0]).save(
            tmp_path / f"{i}.png"
        )  # the first one is grey as it is
    assert np.array_equal(samples_of(str(tmp_path), prepared[17]), prepared[17].held_out.x[:6])
    np.save(tmp_path / "rgb.npy", rgb)
    np.save(tmp_path / "grey.npy", grey)
    sets = [read(str(tmp_path / name), "samples") for name in ("rgb.npy", "grey.npy")]
    turned = images.one_mode(*sets)
    assert turned[0].sha256 == turned[1].sha256 == sets[1].sha256
    assert images.one_mode(sets[0], sets[0])[0].images.shape == (6, 3, 8, 8)  # colour among colour
    rgb[2, 0, 0, 0] ^= 255
    np.save(tmp_path / "rgb.npy", rgb)
    with pytest.raises(InputError, match=r"images of shape \(3, 8, 8\); expected \(1, 8, 8\)"):
        samples_of(str(tmp_path / "rgb.npy"), prepared[17])


def test_elements_that_are_no_images_take_the_type_of_the_dataset(tmp_path: Path) -> None:
    (tmp_path / "ring").write_bytes(data.prepare("ring", Dataset(source="ring", train=50, held_out=50)))
    (tmp_path / "table").write_bytes(data.prepare("t", Dataset(source="sprinkler", train=50, held_out=50)))
    ring, table = data.load(tmp_path / "ring"), data.load(tmp_path / "table")
    np.savez(tmp_path / "x.npz", ring.held_out.x.astype(np.float64))
    assert np.array_equal(samples_of(str(tmp_path / "x.npz"), ring), ring.held_out.x)
    np.save(tmp_path / "x.npy", table.held_out.x.astype(np.int64))
    assert np.array_equal(samples_of(str(tmp_path / "x.npy"), table), table.held_out.x)
    np.save(tmp_path / "x.npy", table.held_out.x + 0.5)
    with pytest.raises(InputError, match="array 'x' holds float64"):
        samples_of(str(tmp_path / "x.npy"), table)


def test_the_home_folder_is_found_in_every_path(
    prepared: dict[int, Prepared], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "x.npz", x=prepared[17].held_out.x)
    assert len(samples_of("~/x.npz", prepared[17])) == len(read("~/x.npz", "samples", levels=17).images)
    with pytest.raises(InputError, match="~nobody-of-this-name/x: no such home folder"):
        read("~nobody-of-this-name/x", "samples")


# Folders


def folder_of(place: Path, count: int, *, seed: int) -> None:
    place.mkdir(parents=True)
    for i, x in enumerate(np.random.default_rng(seed).integers(0, 256, (count, 8, 8), dtype=np.uint8)):
        Image.fromarray(x).save(place / f"{i:02}.png")


@pytest.mark.parametrize("names", ["ab", "abcd"])
def test_folders_that_link_to_each_other_count_once(names: str, tmp_path: Path) -> None:
    for seed, name in enumerate(names):
        folder_of(tmp_path / "s" / name, 5, seed=seed)
    for one in names:
        for other in names:
            if one != other:
                (tmp_path / "s" / one / other).symlink_to(f"../{other}")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "s")
    (tmp_path / "s/pool").symlink_to(tmp_path / "pool")
    folder_of(tmp_path / "pool/inner", 3, seed=9)
    (tmp_path / "pool/back").symlink_to(tmp_path / "s/a")
    found = read(str(tmp_path / "s"), "samples")
    assert list(found.names) == [f"{name}/{i:02}.png" for name in names for i in range(5)] + [
        f"pool/inner/{i:02}.png" for i in range(3)
    ]
    assert list(read(str(tmp_path / "elsewhere"), "samples").names) == list(found.names)


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".tif", ".tiff", ".gif", ".GIF"])
def test_formats_of_other_programs_are_read(suffix: str, tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (2, 8, 8), dtype=np.uint8)
    kind = {"g": "GIF", "t": "TIFF", "j": "JPEG"}[suffix[1].lower()]
    for i, image in enumerate(x):
        Image.fromarray(image).save(tmp_path / f"{i}{suffix}", kind)
    found = read(str(tmp_path), "samples", reference=images.Reference((1, 8, 8), 256, 255)).images
    assert found.shape == (2, 1, 8, 8)
    assert kind == "JPEG" or np.array_equal(found[:, 0], x)


def test_deep_tiff_is_refused_not_cut_to_eight_bits(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 40000, np.uint16)).save(tmp_path / "x.tif")
    with pytest.raises(InputError, match=r"x\.tif: has 16 bits a channel; expected 8-bit grey or RGB"):
        read(str(tmp_path), "samples")


def test_whole_files_that_are_refused_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path / "s", 11, seed=0)
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "s/large.png")
    (tmp_path / "s/other.heic").write_bytes(b"")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    found = read(str(tmp_path / "s"), "samples", size=8)
    assert list(found.unreadable) == ["large.png"]
    assert "1600 pixels) exceeds limit" in found.unreadable["large.png"]
    assert found.passed_over == {".heic": 1}
    card = pictures.read(tmp_path / "s", lambda x: x[:, :8, :8]).left_out
    assert card["reasons"] == [found.unreadable["large.png"]] and card["passed_over"] == {".heic": 1}
    assert not re.search(str(tmp_path), str(card))


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0, 1, "[0, 1]"), (-1e-7, 1.0000002, "[0, 1]"), (-1.0000001, 1.0009, "[-1, 1]")]
)
def test_what_arithmetic_adds_to_a_range_is_cut_off(low: float, high: float, said: str) -> None:
    images, taken_for = full_range(np.array([[[[low, high]]]], np.float32), "x", levels=None, reference=None)
    assert (images.ravel().tolist(), taken_for) == ([0, 255], said)
    with pytest.raises(InputError, match=r"floats from .* to 1\.01; expected \[0, 1\]"):
        full_range(np.array([[[[0, 1.01]]]], np.float32), "x", levels=None, reference=None)
