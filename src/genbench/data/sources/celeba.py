"""CelebA (Liu et al., 2015), arXiv:1411.7766: 202,599 aligned photographs of faces, 178×218, RGB, 40 attributes each.

Nothing is downloaded: its authors hand the files out under an agreement.  The sums of the lists are torchvision's; of
the images only the archive's is published, so that unpacked ones are held to the names in the lists alone.
"""

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from genbench.data.parts import pictures
from genbench.data.parts.raw import raw_folder
from genbench.data.source import Part, Source
from genbench.data.splits import subset
from genbench.storage.downloads import hexdigest
from genbench.storage.files import InputError, read_bytes

PICTURES = ("img_align_celeba", "img_align_celeba_png")
ATTRIBUTES, PARTITIONS = "list_attr_celeba.txt", "list_eval_partition.txt"
TABLE = ".csv"  # of a list as Kaggle hands it out, whose sum nobody publishes
PLACES = (".", "celeba", "Anno", "Eval", "Img")  # torchvision's folder, those of the authors' drive
PUBLISHED = {  # MD5
    ATTRIBUTES: "75e246fa4810816ffd6ee81facbd244c",
    PARTITIONS: "d32c9cbf5e040fd4025c592c306e6668",
}
NUMBERS = {"train": 0, "valid": 1, "test": 2}  # of the official partition


def load(
    *,
    attribute: str = "Smiling",
    size: int = 64,
    root: str = "data/raw/celeba",
    crop: int | None = None,
    grey: bool = False,
    partition: Literal["test", "valid"] = "test",
    train: int | None = None,
    held_out: int | None = None,
    seed: int = 0,
    check: bool = True,
) -> Source:
    """The official train partition, and `partition` (test or valid) held out; no person is in two of them.

    attribute: whose presence is the label; all attributes are kept as factors.  size, crop, grey: see
    `pictures.fitting`.  train, held_out: so many images, stratified by label; None for all; seed: of that choice.
    check: whether the lists must have the published sums; those of Kaggle (.csv) are held to format and names alone.

    Raises:
        InputError: files that are missing, damaged or not the published ones; an attribute that is none of theirs, or
            that all images to train on have alike; options out of range; see also `pictures.read`.
    """
    fit = pictures.fitting(size, crop=crop, grey=grey)
    if partition not in ("test", "valid"):
        raise InputError(f"partition: got {partition!r}; expected test or valid")
    raw = raw_folder(root)
    lists = [_find(raw, name) for name in (ATTRIBUTES, PARTITIONS)]
    folder = _folder(raw)
    contents = [read_bytes(path, what="the raw data") for path in lists]
    checked = [path for path in lists if check and path.suffix != TABLE]
    for path, content in zip(lists, contents, strict=True):
        if path in checked:
            _published(path, content)
    titles, attributes = _attributes(contents[0], lists[0])
    if attribute not in titles:
        raise InputError(f"attribute: got {attribute!r}; expected one of {', '.join(titles)}")
    numbers = _partitions(contents[1], lists[1])
    for name in numbers:
        if name not in attributes:
            raise InputError(f"{lists[0]}: has no line for {name}, which {lists[1].name} names")

    column = titles.index(attribute)
    parts = [[name for name in numbers if numbers[name] == NUMBERS[part]] for part in ("train", partition)]
    for part, names in zip(("train", partition), parts, strict=True):
        if not names:
            raise InputError(
                f"{lists[1]}: has no image with the number {NUMBERS[part]}, {part}; expected some"
            )
    labels = [np.array([attributes[name][column] for name in names], np.int64) for names in parts]
    # The choice is made of the images' places, so that only what is asked for is decoded.
    places = [np.arange(len(names)) for names in parts]
    every = Source(Part(places[0], labels[0]), Part(places[1], labels[1]), 256, 2, {})
    chosen = subset(every, train=train, held_out=held_out, seed=seed)
    if len(np.unique(chosen.train.y)) < 2:
        raise InputError(
            f"attribute: {attribute} is the same in all {len(chosen.train.y)} images to train on; expected two classes"
        )
    asked = {parts[k][i]: k for k, at in enumerate((chosen.train.x, chosen.held_out.x)) for i in at}
    found = _read(folder, list(asked), fit, lists[1].name)
    factors = np.array([attributes[name] for name in found.names], np.float32)
    split = sum(asked[name] == 0 for name in found.names)
    about = {
        "source": f"CelebA (Liu, Luo, Wang, Tang), aligned, official partition, {partition} held out",
        "description": f"photographs of faces, {_cropped(crop)}, resized to {size}×{size} pixels, labelled by "
        f"{attribute}; all {len(titles)} attributes are factors",
        "licence": "non-commercial research only, by the agreement of its authors",
        "class_names": [f"not {attribute}", attribute],
        "checked": "MD5 of the published lists; images by their names"
        if checked == lists
        else "format and names alone",
        **found.left_out,
    }
    y = factors[:, column].astype(np.int64)
    train_part, held_out_part = (
        Part(found.images[rows], y[rows], factors[rows]) for rows in (slice(split), slice(split, None))
    )
    return every._replace(
        train=train_part,
        held_out=held_out_part,
        about=about,
        factors={title: ["no", "yes"] for title in titles},
    )


def _find(root: Path, name: str) -> Path:
    for place in PLACES:
        for path in (root / place / name, (root / place / name).with_suffix(TABLE)):
            if path.is_file():
                return path
    raise InputError(f"root: {root} has no {name}; {_expected(root)}")


def _folder(root: Path) -> Path:
    """Where the images lie; in archives of Kaggle a folder of that name holds another one."""
    for place in PLACES:
        for name in PICTURES:
            for path in (root / place / name / name, root / place / name):
                if path.is_dir():
                    return path
    raise InputError(f"root: {root} has no folder {PICTURES[0]}; {_expected(root)}")


def _expected(root: Path) -> str:
    return (
        f"expected {PICTURES[0]}/ (img_align_celeba.zip, unpacked), {ATTRIBUTES} and {PARTITIONS} "
        f"(or {TABLE}) in {root}, from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
    )


def _published(path: Path, content: bytes) -> None:
    found, known = hexdigest(content, "md5"), PUBLISHED[path.name]
    if found != known:
        raise InputError(
            f"{path}: MD5 {found[:8]}…; expected {known[:8]}…, the published file, or `check: false`"
        )


def _attributes(content: bytes, path: Path) -> tuple[list[str], dict[str, list[int]]]:
    """The attributes' names, and for each image 0 or 1 of every one.

    A line with the count, a line of names, then a line for each image: its name, and 1 or −1 of every attribute.  In a
    table the first line is "image_id" and the names.
    """
    lines = _lines(content, path)
    if path.suffix == TABLE:
        titles, images = _body(lines, path)
    else:
        if len(lines) < 2 or len(lines[0]) != 1 or not lines[0][0].isdecimal():
            raise InputError(
                f"{path}: expected a line with the number of images, then a line of attributes' names"
            )
        (count,), titles, *images = lines
        if len(images) != int(count):
            raise InputError(
                f"{path}: {len(images)} lines of images; expected {count}, as its first line says"
            )
    found: dict[str, list[int]] = {}
    for number, (name, *values) in enumerate(images, len(lines) - len(images) + 1):
        if len(values) != len(titles) or not set(values) <= {"1", "-1"}:
            raise InputError(
                f"{path}: line {number}: {name} with {len(values)} values; expected {len(titles)} of 1 or -1"
            )
        _check_name(name, found, path, number)
        found[name] = [int(value == "1") for value in values]
    return titles, found


def _partitions(content: bytes, path: Path) -> dict[str, int]:
    """The number of each image's partition; a line for each: its name, and 0, 1 or 2.  A table has a title line."""
    lines = _lines(content, path)
    images = _body(lines, path)[1] if path.suffix == TABLE else lines
    found: dict[str, int] = {}
    for number, line in enumerate(images, len(lines) - len(images) + 1):
        if len(line) != 2 or line[1] not in ("0", "1", "2"):
            raise InputError(
                f"{path}: line {number}: {' '.join(line)[:40]!r}; expected an image and 0, 1 or 2"
            )
        _check_name(line[0], found, path, number)
        found[line[0]] = int(line[1])
    return found


def _body(lines: list[list[str]], path: Path) -> tuple[list[str], list[list[str]]]:
    """The titles of a table's columns after "image_id", and its other lines."""
    if not lines or len(lines[0]) < 2 or lines[0][0] != "image_id":
        raise InputError(f"{path}: expected a first line with image_id and the names of the other columns")
    return lines[0][1:], lines[1:]


def _check_name(name: str, found: Mapping[str, object], path: Path, number: int) -> None:
    """InputError, naming the line, for an image listed before or for a name that leads out of the folder."""
    if name in found or Path(name).name != name:
        expected = "an image listed once" if name in found else "the name of a file, without a folder"
        raise InputError(f"{path}: line {number}: {name!r}; expected {expected}")


def _lines(content: bytes, path: Path) -> list[list[str]]:
    try:
        lines = content.removeprefix(codecs.BOM_UTF8).decode("ascii").splitlines()
        split = (line.replace(",", " ") if path.suffix == TABLE else line for line in lines)
        return [words for line in split if (words := line.split())]
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: damaged, or no text ({error.reason} at byte {error.start})") from error


def _read(folder: Path, names: list[str], fit: pictures.Fit, source: str) -> pictures.Pictures:
    """Images (n, c, size, size) and their names as in the lists.  source: the list of partitions."""
    files = {_file(folder, name): name for name in names}
    if missing := [file for file in files if not (folder / file).is_file()]:
        raise InputError(
            f"{folder}: lacks {len(missing)} of {len(names)} images that {source} names ({missing[0]}, …)"
        )
    found = pictures.read(folder, fit, names=list(files), modes=", or `grey: true` to make all alike")
    return found._replace(names=[files[file] for file in found.names])


def _file(folder: Path, name: str) -> str:
    """The lists name .jpg files, of which there is a .png version."""
    return Path(name).with_suffix(".png").name if folder.name.endswith("_png") else name


def _cropped(crop: int | None) -> str:
    return "the central square" if crop is None else f"the central {crop}×{crop} pixels"
