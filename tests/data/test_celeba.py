"""CelebA, from a small folder in the official layout and formats."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_data_sources import md5, photographs, prepared, refused

from genbench.data.parts import pictures
from genbench.data.sources import celeba
from genbench.storage.files import InputError

TITLES = ["5_o_Clock_Shadow", "Male", "Smiling"]
COUNTS = {"train": 40, "valid": 12, "test": 16}
ATTRIBUTES, PARTITIONS = celeba.ATTRIBUTES, celeba.PARTITIONS


class Planted:
    """The layout of the published files with random photographs; `values` are their attributes, 0 or 1."""

    def __init__(self, root: Path) -> None:
        n = sum(COUNTS.values())
        self.root, self.images = root, photographs(n)
        self.values = np.random.default_rng(5).integers(0, 2, (n, len(TITLES)))
        self.numbers = np.repeat([0, 1, 2], list(COUNTS.values()))
        self.names = [f"{i + 1:06d}.jpg" for i in range(n)]

    def lists(self) -> dict[str, str]:
        """As published: columns padded with spaces, blanks at the ends of lines."""
        rows = [
            f"{name} " + " ".join(f"{2 * v - 1:2d}" for v in row)
            for name, row in zip(self.names, self.values, strict=True)
        ]
        return {
            ATTRIBUTES: "\n".join([str(len(rows)), " ".join(TITLES) + " ", *rows]) + "\n",
            PARTITIONS: "".join(f"{a} {b}\n" for a, b in zip(self.names, self.numbers, strict=True)),
        }

    def write(self, *, pictures: str = ".", attributes: str = ".", partitions: str = ".", png: bool) -> str:
        folder = self.root / pictures / ("img_align_celeba_png" if png else "img_align_celeba")
        for place in (folder, self.root / attributes, self.root / partitions):
            place.mkdir(parents=True, exist_ok=True)
        for name, image in zip(self.names, self.images, strict=True):
            if png:
                Image.fromarray(image).save((folder / name).with_suffix(".png"))
            else:
                Image.fromarray(image).save(folder / name, quality=95)
        for place, name in ((attributes, ATTRIBUTES), (partitions, PARTITIONS)):
            (self.root / place / name).write_text(self.lists()[name])
        return str(self.root)


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planted:
    made = Planted(tmp_path / "faces of celebrities")
    sums = {name: md5(text.encode()) for name, text in made.lists().items()}
    monkeypatch.setattr(celeba, "PUBLISHED", sums)
    return made


def test_the_official_partition_and_the_attributes_are_kept(planted: Planted, tmp_path: Path) -> None:
    root = planted.write(png=True)
    ready = prepared(tmp_path / "x", source="celeba", root=root, attribute="Male", size=8, crop=12)
    fit = pictures.fitting(8, crop=12)
    expected = np.stack([fit(np.ascontiguousarray(image.transpose(2, 0, 1))) for image in planted.images])
    train, test = planted.numbers == 0, planted.numbers == 2
    assert np.array_equal(ready.train.x, expected[train])
    assert np.array_equal(ready.held_out.x, expected[test])
    assert np.array_equal(ready.train.y, planted.values[train, 1])
    assert np.array_equal(ready.train.factors, planted.values[train])
    assert np.array_equal(ready.held_out.factors, planted.values[test])
    card = ready.card
    assert card["counts"] == {"train": 40, "held_out": 16}
    assert list(card["factors"]) == TITLES
    assert card["class_names"] == ["not Male", "Male"]
    assert card["checked"].startswith("MD5")
    assert str(planted.root) not in json.dumps(card)
    tuning = celeba.load(root=root, attribute="Male", size=8, crop=12, partition="valid")
    assert np.array_equal(tuning.held_out.x, expected[planted.numbers == 1])


@pytest.mark.parametrize(
    "places",
    [
        {"png": False},
        {"pictures": "celeba", "attributes": "celeba", "partitions": "celeba", "png": False},
        {"pictures": "Img", "attributes": "Anno", "partitions": "Eval", "png": True},
    ],
)
def test_every_layout_is_found(planted: Planted, places: dict[str, Any]) -> None:
    source = celeba.load(root=planted.write(**places), attribute="Smiling", size=8)
    assert source.train.x.shape == (40, 3, 8, 8)
    assert np.array_equal(source.held_out.y, planted.values[planted.numbers == 2, 2])


def as_tables(root: Path) -> None:
    """The lists as Kaggle hands them out, the folder of images in another of its name."""
    for name, header in ((ATTRIBUTES, None), (PARTITIONS, ["partition"])):
        lines = [line.split() for line in (root / name).read_text().splitlines()]
        titles, rows = (lines[1], lines[2:]) if header is None else (header, lines)
        table = "".join(",".join(row) + "\r\n" for row in [["image_id", *titles], *rows])
        (root / name).with_suffix(".csv").write_bytes(table.encode())
        (root / name).unlink()
    (root / "img_align_celeba").rename(root / "inner")
    (root / "img_align_celeba").mkdir()
    (root / "inner").rename(root / "img_align_celeba/img_align_celeba")


def test_the_layout_of_kaggle_gives_the_same_source(planted: Planted) -> None:
    root = planted.write(png=False)
    published = celeba.load(root=root, attribute="Smiling", size=8)
    as_tables(planted.root)
    found = celeba.load(root=root, attribute="Smiling", size=8)
    for one, other in zip(
        (*found.train, *found.held_out), (*published.train, *published.held_out), strict=True
    ):
        assert one is other is None or np.array_equal(one, other)  # type: ignore[arg-type]
    assert found.about["checked"] == "format and names alone"
    table = planted.root / "list_attr_celeba.csv"
    good = table.read_bytes()
    for wrong, said in (
        (good.replace(b"image_id,", b""), "expected a first line with image_id and the names"),
        (good.replace(b",-1", b",0", 1), r"line \d+: 0000\d\d.jpg with 3 values; expected 3 of 1 or -1"),
    ):
        table.write_bytes(wrong)
        with pytest.raises(InputError, match=rf"list_attr_celeba\.csv: {said}"):
            celeba.load(root=root, attribute="Smiling", size=8)


def test_a_stratified_part_is_decoded_and_no_more(planted: Planted) -> None:
    root = planted.write(png=True)
    whole = celeba.load(root=root, attribute="Male", size=8)
    part = celeba.load(root=root, attribute="Male", size=8, train=20, held_out=10)
    assert (len(part.train.x), len(part.held_out.x)) == (20, 10)
    assert abs(part.train.y.mean() - whole.train.y.mean()) < 0.06
    at = {image.tobytes(): i for i, image in enumerate(whole.train.x)}
    rows = [at[image.tobytes()] for image in part.train.x]
    assert np.array_equal(part.train.factors, whole.train.factors[rows])  # type: ignore[index]
    for i in set(range(40)) - set(rows):  # what is not asked for may be missing
        (planted.root / "img_align_celeba_png" / planted.names[i]).with_suffix(".png").unlink()
    again = celeba.load(root=root, attribute="Male", size=8, train=20, held_out=10)
    assert np.array_equal(again.train.x, part.train.x)


def test_damaged_images_are_left_out_with_their_attributes(planted: Planted, tmp_path: Path) -> None:
    root = planted.write(png=False)
    (planted.root / "img_align_celeba/000003.jpg").write_bytes(b"")
    (planted.root / "img_align_celeba/000060.jpg").write_bytes(b"\xff\xd8")  # of the test partition
    ready = prepared(tmp_path / "x", source="celeba", root=root, attribute="Male", size=8)
    assert ready.card["unreadable"] == {"count": 2, "files": ["000003.jpg", "000060.jpg"]}
    assert ready.card["counts"] == {"train": 39, "held_out": 15}
    kept = np.arange(len(planted.numbers)) != 2
    assert np.array_equal(ready.train.factors, planted.values[(planted.numbers == 0) & kept])


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new, 1))

    return change


def moved(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).rename(root / "elsewhere")

    return change


@pytest.mark.parametrize(
    ("damage", "options", "said"),
    [
        (
            moved(ATTRIBUTES),
            {},
            "root: {root} has no list_attr_celeba.txt; expected img_align_celeba/ (img_align",
        ),
        (moved(PARTITIONS), {}, "root: {root} has no list_eval_partition.txt; expected"),
        (moved("img_align_celeba"), {}, "root: {root} has no folder img_align_celeba; expected"),
        (replaced(ATTRIBUTES, "-1", " 1"), {"check": True}, f"{ATTRIBUTES}: MD5"),
        (replaced(ATTRIBUTES, "68", "69"), {}, "68 lines of images; expected 69, as its first line says"),
        (replaced(ATTRIBUTES, "68", "many"), {}, "expected a line with the number of images"),
        (replaced(ATTRIBUTES, "-1", " 0"), {}, "with 3 values; expected 3 of 1 or -1"),
        (replaced(ATTRIBUTES, "000050.jpg", "000050.jpe"), {}, "has no line for 000050.jpg"),
        (
            replaced(PARTITIONS, "000007.jpg 0", "000007.jpg 3"),
            {},
            "line 7: '000007.jpg 3'; expected an image",
        ),
        (
            replaced(PARTITIONS, "000007.jpg 0", "../000007.jpg 0"),
            {},
            "line 7: '../000007.jpg'; expected the name of a file, without a folder",
        ),
        (
            replaced(PARTITIONS, "000007.jpg 0", "000006.jpg 0"),
            {},
            f"{PARTITIONS}: line 7: '000006.jpg'; expected an image listed once",
        ),
        (
            lambda root: (root / PARTITIONS).write_text(
                (root / PARTITIONS).read_text().replace(".jpg 2", ".jpg 1")
            ),
            {},
            f"{PARTITIONS}: has no image with the number 2, test; expected some",
        ),
        (
            moved("img_align_celeba/000009.jpg"),
            {},
            "lacks 1 of 56 images that list_eval_partition.txt names (0000",
        ),
        (
            lambda root: None,
            {"attribute": "Smile"},
            "attribute: got 'Smile'; expected one of 5_o_Clock_Shadow, ",
        ),
        (lambda root: None, {"partition": "train"}, "partition: got 'train'; expected test or valid"),
        (lambda root: None, {"crop": 21}, "crop: got 21, an image is 24x20 RGB"),
        (lambda root: None, {"crop": 2}, "crop: got 2; expected 4 to 4096"),
        (lambda root: None, {"train": 41}, "train: got 41; expected between 1 and 40 images"),
    ],
)
def test_what_is_wrong_is_named(
    planted: Planted, damage: Callable[[Path], None], options: dict[str, Any], said: str
) -> None:
    root = planted.write(png=False)
    damage(planted.root)
    message = refused(celeba.load, **{"root": root, "attribute": "Male", "size": 8, "check": False} | options)
    assert said.format(root=root) in message


def test_an_attribute_that_all_have_is_no_label(planted: Planted) -> None:
    planted.values[planted.numbers == 0, 1] = 1
    root = planted.write(png=False)
    said = refused(celeba.load, root=root, attribute="Male", size=8, check=False)
    assert "attribute: Male is the same in all 40 images to train on; expected two classes" in said
    assert (
        celeba.load(root=root, attribute="Smiling", size=8, check=False).about["checked"].startswith("format")
    )
