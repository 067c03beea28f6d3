"""`genbench score` as a user runs it: planted copies are found, every input form is read, every mistake is named."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import run_in
from PIL import Image
from sklearn.datasets import load_digits

from genbench.cli import application
from genbench.data import pixels
from genbench.data import prepared as data
from genbench.extractors.build import Outputs
from genbench.foreign import images
from genbench.foreign.score import fidelity
from genbench.params.schema import Dataset
from genbench.scoring import novelty

KINDS = ("exact", "shift", "bright", "contrast", "noise")
VIEW_OF = {"exact": {"pixels"}, "shift": {"shift"}, "bright": {"contrast"}, "contrast": {"contrast"}}
Score = Callable[..., tuple[int, str, str]]


def digits() -> np.ndarray:
    """(1797, 1, 8, 8) in 0 … 255, in random order"""
    order = np.random.default_rng(0).permutation(1797)
    return np.round(load_digits().images[order, None] * (255 / 16)).astype(np.uint8)


def blobs(n: int, *, seed: int) -> np.ndarray:
    """(n, 3, 32, 32): three soft coloured spots on a coloured ground"""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    out = np.broadcast_to(rng.uniform(0.2, 0.5, (n, 3, 1, 1)), (n, 3, 32, 32)).copy()
    for _ in range(3):
        at, width = rng.uniform(4, 28, (2, n, 1, 1)), rng.uniform(2, 6, (n, 1, 1))
        spot = np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * width**2))
        out += rng.uniform(-0.4, 0.5, (n, 3, 1, 1)) * spot[:, None]
    return np.round(out.clip(0, 1) * 255).astype(np.uint8)


def disguise(image: np.ndarray, kind: str, number: int) -> np.ndarray:
    """A copy (c, h, w) that is not the same file any more."""
    rng, x = np.random.default_rng(number), image.astype(np.float64)
    if kind == "shift":
        step = [(1, 0), (0, 1), (-1, 0), (0, -1)][number % 4]
        x = np.roll(x, step, axis=(1, 2))
    if kind == "bright":
        x = x * 0.8 + 30
    if kind == "contrast":
        x = (x - 128) * 0.6 + 120
    if kind == "noise":
        x = x + 8 * rng.normal(size=x.shape)
    return np.round(x.clip(0, 255)).astype(np.uint8)


def plant(new: np.ndarray, train: np.ndarray, each: int) -> tuple[np.ndarray, dict[int, tuple[int, str]]]:
    """New images with `each` copies of every kind among them: place -> (training image, kind)."""
    rng = np.random.default_rng(7)
    mixed, truth = new.copy(), {}
    places = rng.choice(len(new), each * len(KINDS), replace=False)
    for number, place in enumerate(places):
        source, kind = int(rng.integers(len(train))), KINDS[number % len(KINDS)]
        mixed[place] = disguise(train[source], kind, number // len(KINDS))
        truth[int(place)] = (source, kind)
    return mixed, truth


def write(folder: Path, pictures: np.ndarray, suffix: str = ".png") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i, picture in enumerate(pictures):
        array = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
        Image.fromarray(array).save(folder / f"{i:04d}{suffix}")
    return folder


@pytest.fixture
def score(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Score]:
    """`genbench score` in this process: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["genbench", "score", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            application.main()
            sys.exit(0)
        said = capsys.readouterr()
        return int(done.value.code or 0), said.out, said.err

    yield command
    torch.set_deterministic_debug_mode("default")


def fails(score: Score, *arguments: object) -> str:
    """The one line that a failing command says; nothing may be written."""
    code, out, err = score(*arguments)
    assert (code, out) == (1, ""), err
    assert err.startswith("genbench: error: ") and err.count("\n") == 1, err
    assert not list(Path().glob("scores*"))
    return err


# Copies in disguise


@pytest.mark.parametrize("kind", ["digits", "blobs"])
def test_exactly_the_planted_copies_come_first(kind: str) -> None:
    if kind == "digits":
        everything = digits()
        train, held_out, new = everything[:800], everything[800:1400], everything[1400:]
    else:
        train, held_out, new = blobs(200, seed=1), blobs(150, seed=2), blobs(60, seed=3)
    mixed, truth = plant(new, train, each=6)
    found = novelty.find_copies(train, held_out, mixed)
    top = found.order[: len(truth)].tolist()
    assert set(top) == set(truth)
    assert found.calibration.flags[top].all()
    for place in top:
        source, disguised = truth[place]
        assert found.indices[place] == source
        assert novelty.VIEWS[found.views[place]] in VIEW_OF.get(disguised, novelty.VIEWS), disguised
    others = found.calibration.flags.sum() - len(truth)
    assert others <= 0.03 * len(new)
    assert found.ratios[top[-1]] < 0.8 * found.ratios[found.order[len(truth)]]  # a gap, not a photo finish


def test_the_joint_rule_keeps_its_rate_of_false_alarms() -> None:
    """Over random splits into held-out and new data; testing each view by itself flags more than allowed."""
    everything = digits()
    train, real = everything[:600], everything[600:]
    found = novelty.find_copies(train, real[:1], real)
    by_view = found.distances / found.scales
    np.testing.assert_array_equal(found.ratios, by_view.min(axis=1))
    rng = np.random.default_rng(0)
    joint, single = [], []
    for _ in range(200):
        order = rng.permutation(len(real))
        control, new = order[:499], order[499:]
        rule = novelty.calibrate_distances
        joint.append(rule(found.ratios[control], found.ratios[new]).flags.mean())
        single.append(
            np.any([rule(by_view[control, v], by_view[new, v]).flags for v in range(3)], axis=0).mean()
        )
    assert 0.005 < np.mean(joint) <= 0.0105
    assert np.mean(single) > 1.3 * np.mean(joint)
    again = novelty.find_copies(train, real[:499], real[499:])
    np.testing.assert_array_equal(again.ratios, found.ratios[499:])  # one fixed function of an image
    np.testing.assert_array_equal(again.held_out_ratios, found.ratios[:499])
    expected = [(1 + (found.ratios[:499] <= ratio).sum()) / 500 for ratio in again.ratios]
    np.testing.assert_allclose(again.p_values, expected)


def test_flat_images_are_no_copies_of_each_other() -> None:
    """Without contrast there is nothing to compare but the level itself."""
    train, held_out = blobs(40, seed=1), blobs(120, seed=2)
    train[3] = 90
    samples = np.stack([np.full((3, 32, 32), level, np.uint8) for level in (0, 90, 200)])
    found = novelty.find_copies(train, held_out, samples)
    assert found.calibration.flags.tolist() == [False, True, False]
    np.testing.assert_allclose(found.distances[:, 2], 1)
    flat = novelty.find_copies(samples.repeat(2, axis=0), held_out, samples)
    assert np.isfinite(flat.ratios).all()


@pytest.mark.parametrize("n", [60, 250])
def test_ct_of_wide_data_is_that_of_their_principal_components(n: int) -> None:
    """With fewer rows than columns as with more; distances do not depend on the signs of the axes."""
    from sklearn.decomposition import PCA

    sets = [
        pixels.reduced(blobs(m, seed=seed), 8).reshape(m, -1) / 255
        for m, seed in ((n, 1), (150, 2), (150, 3))
    ]
    axes = PCA(20, svd_solver="full").fit(sets[0])
    wide = novelty.ct_score(*sets, components=20)
    assert wide.value == pytest.approx(novelty.ct_score(*map(axes.transform, sets)).value, abs=1e-9)


def test_bad_arguments_of_find_copies() -> None:
    x = blobs(6, seed=1)
    for wrong, said in (
        ((x, x, x[:, :1]), "samples"),
        ((x[:3], x, x), "train: 3 rows"),
        ((x, x[0], x), "held_out"),
    ):
        with pytest.raises(ValueError, match=said):
            novelty.find_copies(*wrong)
    with pytest.raises(ValueError, match="pixels"):
        novelty.find_copies(x, x, x, pixels=32)


# The command


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, tuple[int, str]]]:
    """Folders of digits with copies among the samples, and the command's results on them, twice."""
    folder, everything = tmp_path_factory.mktemp("planted"), digits()
    mixed, truth = plant(everything[700:860], everything[:400], each=3)
    write(folder / "train", everything[:400])
    write(folder / "held_out/a", everything[400:550])
    write(folder / "held_out/b", everything[550:700])
    write(folder / "samples", mixed)
    sets = ("--samples", "samples", "--train", "train", "--held-out", "held_out", "--extractor", "pca-pixels")
    for name, seed in (("first", {"PYTHONHASHSEED": "1"}), ("second", {})):  # the second starts warm
        done = run_in(folder, "genbench", "score", *sets, "--out", f"{name}.json", **seed)
        assert done.returncode == 0, done.stderr
        (folder / f"{name}.txt").write_text(done.stdout)
    return folder, truth


def test_the_listing_and_the_figure_show_the_planted_copies(
    planted: tuple[Path, dict[int, tuple[int, str]]],
) -> None:
    folder, truth = planted
    record = json.loads((folder / "first.json").read_text())
    copies = record["copies"]
    top = copies["pairs"][: len(truth)]
    assert {pair["sample"] for pair in top} == {f"{place:04d}.png" for place in truth}
    assert all(pair["flagged"] for pair in top)
    for pair in top:
        source, kind = truth[int(pair["sample"][:4])]
        assert pair["train"] == f"{source:04d}.png"
        assert pair["view"] in VIEW_OF.get(kind, novelty.VIEWS)
    listing = (folder / "first.txt").read_text().splitlines()
    assert max(map(len, listing)) <= 100
    lines = [line for line in listing if line.startswith("copy  ")]
    assert [line.split()[1] for line in lines] == [
        pair["sample"] for pair in copies["pairs"] if pair["flagged"]
    ]
    with Image.open(folder / "first.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape[1] == 12 * (64 + 12) + 12  # twelve pairs of 8 × 8 images, eight times enlarged
    sample = np.asarray(Image.open(folder / "samples" / top[0]["sample"]))
    source = np.asarray(Image.open(folder / "train" / top[0]["train"]))
    np.testing.assert_array_equal(pixels[12:76:8, 12:76:8, 0], sample)
    np.testing.assert_array_equal(pixels[88:152:8, 12:76:8, 0], source)
    frames = [pixels[10 + 164 * (i // 12), 12 + 76 * (i % 12)].tolist() for i in range(copies["flagged"])]
    assert frames == [[214, 39, 40]] * copies["flagged"]


def test_every_number_says_what_it_is(planted: tuple[Path, dict[int, tuple[int, str]]]) -> None:
    folder, truth = planted
    record = json.loads((folder / "first.json").read_text())
    assert record["not_computed"] == {}
    assert record["extractor"]["name"] == "pca-pixels" and len(record["extractor"]["sha256"]) == 64
    assert (record["seed"], record["reference"]) == (0, "held_out")
    assert [record[part]["n"] for part in ("samples", "train", "held_out")] == [160, 400, 300]
    assert {*record["fidelity"]} == {"fid", "kid", "precision", "recall", "density", "coverage", "vendi"}
    assert {*record["novelty"]} == {
        "copy_rate", "closer_to_train", "neighbour_ratio", "authenticity", "ct", "fld", "fld_gap", "mifid",
        "birthday_support",
    }  # fmt: skip
    for name, found in {**record["fidelity"], **record["novelty"]}.items():
        for number in (found, found["real"]):
            assert {"value", "low", "high", "n"} <= number.keys()
            assert number["value"] is None or (number["low"] or 0) <= number["value"], name
            assert number["value"] is None or number["high"] is None or number["value"] <= number["high"], (
                name
            )
    fid = record["fidelity"]["fid"]  # real data are not the held-out images themselves, at distance 0
    assert 0.01 < fid["real"]["value"] < 3 * fid["value"] and fid["real"]["n"] == 160
    assert record["novelty"]["copy_rate"]["real"] == record["copies"]["measured_on_held_out"]
    assert record["fidelity"]["fid"]["label"] == "Fréchet distance (pca-pixels)"  # "FID" is Inception's
    assert record["exact_copies"] == {"samples_in_train": 3, "samples_in_held_out": 0, "held_out_in_train": 0}
    assert record["novelty"]["copy_rate"]["value"] == record["copies"]["flagged"] / 160
    assert len(truth) <= record["copies"]["flagged"] <= len(truth) + 6
    assert record["copies"]["measured_on_held_out"]["low"] <= 0.01


def test_samples_sorted_by_class_lose_no_classifier_score() -> None:
    """The score is a mean over ten parts; in a folder sorted by class each part would hold one class."""
    rng = np.random.default_rng(0)
    probabilities = np.eye(10)[np.arange(500) // 50]
    found = fidelity(rng.normal(size=(50, 4)), Outputs(rng.normal(size=(500, 4)), probabilities), seed=0)
    assert 8 < found["classifier_score"].value <= 10


def test_the_same_command_writes_the_same_bytes(planted: tuple[Path, dict[int, tuple[int, str]]]) -> None:
    folder, _ = planted
    for suffix in ("json", "png"):
        assert (folder / f"first.{suffix}").read_bytes() == (folder / f"second.{suffix}").read_bytes()


def test_small_sets_say_what_could_not_be_computed(score: Score, tmp_path: Path) -> None:
    np.savez(tmp_path / "all.npz", x=blobs(12, seed=1))
    np.savez(tmp_path / "new.npz", y=blobs(3, seed=2).transpose(0, 2, 3, 1) / 255)
    np.savez(
        tmp_path / "held.npz", np.concatenate([blobs(3, seed=3), blobs(3, seed=2)[:1], blobs(12, seed=1)[:1]])
    )
    code, out, err = score(
        "--samples", "new.npz", "--train", "all.npz", "--held-out", "held.npz", "--out", "scores/of.json"
    )
    assert (code, err) == (0, "")
    record = json.loads((tmp_path / "scores/of.json").read_text())
    assert {"kid", "ct", "density"} <= record["not_computed"].keys()
    assert "not computed: kid (fake: 3 rows, expected at least 4)" in out
    assert "note: 1 of the samples are held-out images" in out
    assert "note: 1 held-out images are training images" in out
    assert record["copies"]["flagged"] == 0
    assert len(record["copies"]["pairs"]) == 3


# What can be read


def test_all_forms_hold_the_same_images(tmp_path: Path) -> None:
    x = blobs(7, seed=5)
    write(tmp_path / "folder/inner", x[:4])
    write(tmp_path / "folder/other", x[4:], ".bmp")
    (tmp_path / "folder/notes.txt").write_text("no image")
    (tmp_path / "folder/.hidden.png").write_text("no image")
    np.savez(tmp_path / "bytes.npz", x=x, labels=np.arange(7))
    np.savez(tmp_path / "last.npz", x.transpose(0, 2, 3, 1))
    np.savez(tmp_path / "floats.npz", images=(x / 255).astype(np.float32))
    expected = images.read(str(tmp_path / "folder"), "samples")
    assert np.array_equal(expected.images, x)
    assert expected.names[0] == "inner/0000.png" and expected.names[4] == "other/0000.bmp"
    for name in ("bytes", "last", "floats"):
        found = images.read(str(tmp_path / f"{name}.npz"), "samples")
        assert np.array_equal(found.images, x)
        assert found.sha256 == expected.sha256


def test_floats_are_rounded_never_truncated(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", np.full((2, 4, 4), 254.6 / 255))
    assert (images.read(str(tmp_path / "x.npz"), "samples").images == 255).all()


def test_opaque_palettes_and_alpha_are_read(tmp_path: Path) -> None:
    x = blobs(1, seed=1)[0].transpose(1, 2, 0) // 128 * 255  # eight colours
    folder = tmp_path / "modes"
    folder.mkdir()
    Image.fromarray(x).save(folder / "a.png")
    Image.fromarray(x).convert("RGBA").save(folder / "b.png")
    Image.fromarray(x).quantize(8).save(folder / "c.png")
    found = images.read(str(folder), "samples").images
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])


def test_a_prepared_dataset_is_read_by_split(tmp_path: Path) -> None:
    path = tmp_path / "bits.safetensors"
    path.write_bytes(data.prepare("bits", Dataset(source="digits", threshold=8)))
    prepared = data.load(path)
    train = images.read(f"{path}:train", "samples")
    assert np.array_equal(train.images, prepared.train.x * 255)
    assert np.array_equal(images.read(str(path), "held_out").images, prepared.held_out.x * 255)
    np.savez(tmp_path / "levels.npz", prepared.train.x)
    assert np.array_equal(images.read(str(tmp_path / "levels.npz"), "samples", levels=2).images, train.images)


def test_resizing_is_antialiased(tmp_path: Path) -> None:
    stripes = np.zeros((2, 1, 32, 32), np.uint8)
    stripes[..., ::2] = 255
    np.savez(tmp_path / "x.npz", stripes)
    small = images.read(str(tmp_path / "x.npz"), "samples", size=8).images
    assert small.shape == (2, 1, 8, 8)
    assert np.abs(small.astype(int) - 128).max() < 20  # grey; without antialiasing black or white
    assert pixels.reduced(np.zeros((1, 3, 200, 100), np.uint8), 64).shape == (1, 3, 64, 32)


def test_some_damaged_files_are_left_out_and_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "samples", blobs(18, seed=1))
    whole = (folder / "0000.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("no image")
    found = images.read(str(folder), "samples")
    assert (len(found.images), list(found.unreadable)) == (18, ["cut.png", "text.jpg"])
    (folder / "empty.png").write_bytes(b"")
    with pytest.raises(
        images.InputError, match=r"3 of 21 files cannot be read \(cut.png, empty.png, text.jpg\)"
    ):
        images.read(str(folder), "samples")


# Mistakes


def test_an_unreadable_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "samples/inner", blobs(3, seed=1)).parent
    scan = os.scandir

    def refuse(path: str) -> Any:  # root may read anything, so a mode of 000 would show nothing
        if Path(path).name == "inner":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(images.InputError, match="inner: cannot read the folder: Permission denied"):
        images.read(str(folder), "samples")


def mixed_sizes(folder: Path) -> str:
    write(folder / "mixed", blobs(3, seed=1))
    Image.fromarray(np.zeros((16, 20, 3), np.uint8)).save(folder / "mixed/wide.png")
    return "mixed"


def mixed_modes(folder: Path) -> str:
    write(folder / "modes", blobs(3, seed=1))
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(folder / "modes/grey.png")
    return "modes"


def transparent(folder: Path) -> str:
    write(folder / "clear", blobs(2, seed=1))
    Image.new("RGBA", (32, 32), (9, 9, 9, 100)).save(folder / "clear/glass.png")
    return "clear"


def deep(folder: Path) -> str:
    write(folder / "deep", blobs(2, seed=1))
    Image.fromarray(np.full((32, 32), 40000, np.uint16)).save(folder / "deep/sixteen.png")
    return "deep"


def archive(**arrays: Any) -> Callable[[Path], str]:
    def maker(folder: Path) -> str:
        np.savez(folder / "wrong.npz", **arrays)
        return "wrong.npz"

    return maker


def holding(name: str, content: bytes | None) -> Callable[[Path], str]:
    """A file of that content, or an empty folder."""

    def maker(folder: Path) -> str:
        if content is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(content)
        return name

    return maker


def broken(folder: Path) -> str:
    for i in range(3):
        holding(f"broken{i}.png", b"no image")(folder)
    return "."


def heic(folder: Path) -> str:
    for name in ("a.heic", "b.HEIC", "c.avif", "notes.txt"):
        (folder / "raw").mkdir(exist_ok=True)
        holding(f"raw/{name}", b"")(folder)
    return "raw"


GOOD = blobs(6, seed=9)
MISTAKES: dict[str, tuple[Callable[[Path], str], str]] = {
    "nothing there": (lambda _: "nowhere", "nowhere: no such file or folder"),
    "empty folder": (holding("empty", None), "empty: no images; expected .bmp, .gif, .jfif, .jpe, .jpeg, .jpg, "),
    "only damaged files": (broken, "broken2.png); expected images; broken0.png: is no PNG, JPEG, WEBP, BMP file"),
    "one image": (lambda folder: write(folder / "one", GOOD[:1]).name, "one: 1 image; expected at least 2"),
    "mixed sizes": (mixed_sizes, "0000.png is 32x32 RGB, wide.png is 20x16 RGB; expected one size and mode, or --size"),
    "mixed modes": (mixed_modes, "0000.png is 32x32 RGB, grey.png is 32x32 grey; expected one size and mode\n"),
    "transparency": (transparent, "glass.png: has transparent pixels"),
    "16 bits": (deep, "sixteen.png: has 16 bits a channel; expected 8-bit grey or RGB"),
    "another size": (archive(x=GOOD[:, :, :16, :20]), "20x16 images, train.npz 32x32; expected one size, or --size N"),
    "another mode": (archive(x=GOOD[:, :1]), "wrong.npz holds grey images, train.npz RGB"),
    "NaN": (archive(x=np.full((4, 3, 32, 32), np.nan)), "holds 12288 values that are NaN or infinite"),
    "out of range": (archive(x=GOOD / 100), "; expected [0, 1]"),
    "integers": (archive(x=GOOD.astype(int) + 200), "whole numbers from 206 to 442; expected [0, 1], [-1, 1] or whole"),
    "complex numbers": (archive(x=GOOD.astype(complex)), "dtype complex128; expected uint8, or floats in [0, 1]"),
    "floats below 0": (archive(x=GOOD / 255 - 0.2), "floats from -0.1765 to 0.749; expected [0, 1], [-1, 1] or"),
    "levels": (archive(x=GOOD // 16), "wrong.npz: no pixel above 15 of 255, where 242 is reached otherwise; expected"),
    "wrong levels": (archive(x=GOOD, levels=17), "holds values up to 242; expected below 17, the number of levels"),
    "no levels": (archive(x=GOOD, levels=[1, 2]), "array 'levels' holds [1, 2]; expected one number of 2 to 256"),
    "torch": (holding("x.pt", b"PK"), "x.pt: a pickle can run code and is not opened; expected a folder of images"),
    "packed": (holding("x.zip", b"PK"), "prepared .safetensors file; unpack it first"),
    "one picture": (holding("x.png", b""), "x.png: one picture; expected a folder of images"),
    "no .npy": (holding("x.npy", b"text"), "x.npy: the images are damaged or no .npy file"),
    "formats not read": (heic, "raw: no images but 1 .avif, 2 .heic; expected .bmp"),
    "no array": (archive(a=GOOD, b=GOOD), "arrays ['a', 'b']; expected one array, or one called 'x'"),
    "wrong shape": (archive(x=GOOD.reshape(6, -1)), "shape (6, 3072); expected (n, h, w)"),
    "no images": (archive(x=GOOD[:0]), "wrong.npz: 0 images; expected at least 2"),
    "objects": (archive(x=np.array([{}], object)), "wrong.npz: the images is damaged or not an .npz archive"),
    "damaged archive": (holding("bad.npz", b"PK no archive"), "bad.npz: the images is damaged or not an .npz archive"),
    "another file": (holding("notes.txt", b"text"), "notes.txt: expected a folder of images, an .npz archive"),
    "damaged dataset": (holding("bad.safetensors", b"no dataset"), "bad.safetensors: which split? expected"),
    "damaged split": (lambda folder: holding("bad.safetensors", b"no dataset")(folder) + ":train", "damaged or not a"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_mistake_gives_one_clear_line(mistake: str, score: Score, tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", GOOD)
    np.savez(tmp_path / "held.npz", blobs(6, seed=10))
    make, said = MISTAKES[mistake]
    wrong = make(tmp_path)
    rest = ("--held-out", "held.npz", "--out", "scores.json")
    assert said in fails(score, "--samples", wrong, "--train", "train.npz", *rest)


def test_mistakes_in_the_other_arguments(score: Score, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", GOOD[:, :, :4])
    np.savez(tmp_path / "b.npz", blobs(6, seed=10)[:, :, :4])
    sets = ("--samples", "b.npz", "--train", "a.npz", "--held-out")
    assert "a.npz: the same images as a.npz; expected held-out" in fails(
        score, *sets, "a.npz", "--out", "scores.json"
    )
    rest = (*sets, "b.npz", "--out")
    assert "scores.txt: expected a name that ends in .json" in fails(score, *rest, "scores.txt")
    for option, value, said in (
        ("--extractor", "inceptoin", "expected one of random-convolution, pca-pixels"),
        ("--weights", "w.pth", "random-convolution takes no weights"),
        ("--shift", "4", "shift: got 4; expected less than 4"),
        ("--levels", "17", "expected below 17, the number of levels"),
        ("--device", "tpu", "device: got 'tpu'; expected auto, cpu or cuda"),
    ):
        assert said in fails(score, *rest, "scores.json", option, value)
    few = ("--samples", "b.npz", "--train", "few.npz", "--held-out", "b.npz", "--out", "scores.json")
    np.savez(tmp_path / "few.npz", GOOD[:3])
    assert "few.npz: 3 images; expected at least 4" in fails(score, *few)


def test_size_lets_sets_of_different_sizes_meet(score: Score, tmp_path: Path) -> None:
    """And the figure is written beside the scores in any case."""
    np.savez(tmp_path / "train.npz", blobs(12, seed=1))
    np.savez(tmp_path / "held.npz", blobs(12, seed=2)[:, :, :24])
    write(tmp_path / "samples", np.repeat(np.repeat(blobs(5, seed=3), 2, axis=2), 2, axis=3))
    code, out, err = score(
        "--samples", "samples", "--train", "train.npz", "--held-out", "held.npz", "--size", 16, "--out", "scores.json",
        "--extractor", "pca-pixels",
    )  # fmt: skip
    assert (code, err) == (0, "")
    record = json.loads(Path("scores.json").read_text())
    assert record["image"] == {"shape": [3, 16, 16], "resized_to": 16}
    assert Path("scores.png").read_bytes().startswith(b"\x89PNG")
    assert "scores.json, scores.png" in out
