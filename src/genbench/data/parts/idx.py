"""IDX files (LeCun, Cortes, Burges): the format of MNIST and of the sets that take its place.

A header of big-endian 32-bit numbers (magic number, then the length of each dimension), then one byte a value.

torchvision.datasets knows these sets too; its addresses and MD5 sums stand in the sources, and a test compares what
both read.  See docs/architecture.md, "Decisions", for why files are fetched and read here.
"""

import gzip
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genbench.data.source import Part, Source
from genbench.storage.downloads import download, hexdigest
from genbench.storage.files import InputError, read_bytes, write_all

UNSIGNED_BYTE = 0x08


class Published(NamedTuple):
    """A set of four IDX files: train and t10k, images and labels.

    folder: where torchvision keeps them, below its root.  mirrors: addresses, without the file's name.
    packed, unpacked: MD5 of each file by its name, as published with .gz and of its content; {} where unknown.
    counts: images of train and t10k.
    """

    folder: str
    mirrors: tuple[str, ...]
    packed: Mapping[str, str]
    unpacked: Mapping[str, str]
    classes: tuple[str, ...]
    about: Mapping[str, str]
    counts: tuple[int, int] = (60_000, 10_000)
    side: int = 28


class File(NamedTuple):
    """name: as published, without .gz.  packed: the bytes of a .gz file, None of another.  content: unpacked."""

    path: Path
    name: str
    packed: bytes | None
    content: bytes


MNIST = Published(
    folder="MNIST",
    mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
    packed={
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    unpacked={
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    classes=tuple("0123456789"),
    about={
        "source": "MNIST (LeCun, Cortes, Burges), official split",
        "description": "handwritten digits, 28×28 pixels",
        "licence": "CC BY-SA 3.0",
    },
)


def load(published: Published, root: Path) -> Source:
    """The official split, t10k held out, from files in `root` or in torchvision's folder below it, or else downloaded.

    Files may be packed (.gz) or not.  Each must have the published sum, packed or unpacked; where the sum of unpacked
    files is not published, their format and counts are checked alone, and the card says so.

    Raises:
        InputError: a file that cannot be had, is damaged, is no such file, or is not the published one.
    """
    (train_x, train_y, sure), (held_out_x, held_out_y, sure_too) = (
        _part(published, root, part, count)
        for part, count in zip(("train", "t10k"), published.counts, strict=True)
    )
    about = {
        **published.about,
        "class_names": list(published.classes),
        "checked": "MD5 of the published files" if sure and sure_too else "format and counts alone",
    }
    return Source(Part(train_x, train_y), Part(held_out_x, held_out_y), 256, len(published.classes), about)


def parse(content: bytes, dimensions: int, path: Path) -> np.ndarray:
    """An array of unsigned bytes from the content of an IDX file.

    Raises:
        InputError: a wrong magic number, nothing in it, or more or fewer bytes than its header says.
    """
    header = 4 + 4 * dimensions
    magic = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if content[:4] != magic[: len(content)] or not content:
        raise InputError(
            f"{path}: magic number {content[:4].hex() or 'missing'}; expected {magic.hex()}, "
            f"an IDX file of bytes in {dimensions} dimension{'s' * (dimensions != 1)}"
        )
    if len(content) < header:
        raise InputError(f"{path}: cut off after {len(content)} bytes; expected a header of {header}")
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", dimensions, offset=4))
    if 0 in shape:
        raise InputError(f"{path}: holds nothing (shape {_times(shape)}); expected at least one image")
    if len(content) - header != math.prod(shape):
        raise InputError(
            f"{path}: {len(content) - header} bytes after the header; expected {_times(shape)}, as it says"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _part(published: Published, root: Path, part: str, count: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Images (n, 1, h, w), labels (n,), and whether the sums of both files are the published ones."""
    names = [f"{part}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
    images, labels = (_read(_find(published, root, name), name) for name in names)
    x = parse(images.content, 3, images.path)  # (n, h, w)
    y = parse(labels.content, 1, labels.path)  # (n,)
    if len(x) != len(y):
        raise InputError(f"{images.path}: {len(x)} images, but {len(y)} labels in {labels.path.name}")
    expected = (count, published.side, published.side)
    if x.shape != expected:
        raise InputError(f"{images.path}: images of shape {_times(x.shape)}; expected {_times(expected)}")
    if y.max() >= len(published.classes):
        raise InputError(f"{labels.path}: label {y.max()}; expected 0 to {len(published.classes) - 1}")
    sure = [_has_its_sum(published, file) for file in (images, labels)]
    return x[:, None], y.astype(np.int64), all(sure)


def _find(published: Published, root: Path, name: str) -> Path:
    """Where the file lies, by its published name or as archives call it; downloaded to `root` where it does not."""
    dotted = name.replace("-idx", ".idx")  # train-images.idx3-ubyte
    for place in (root, root / published.folder / "raw"):
        for other in (name, dotted):
            for path in (place / f"{other}.gz", place / other, place / other / other):
                if path.is_file():
                    return path
    try:
        content, _ = download(
            [f"{mirror}{name}.gz" for mirror in published.mirrors], published.packed[name], algorithm="md5"
        )
    except InputError as error:
        raise InputError(f"root: {root} has no {name}[.gz], and none is to be had ({error})") from error
    write_all(root, {f"{name}.gz": content})
    return root / f"{name}.gz"


def _read(path: Path, name: str) -> File:
    raw = read_bytes(path, what="the raw data")
    if path.suffix != ".gz":
        return File(path, name, None, raw)
    try:
        return File(path, name, raw, gzip.decompress(raw))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged, or no .gz file ({error})") from error


def _has_its_sum(published: Published, file: File) -> bool:
    """False where no sum is known to hold the file to; InputError where it has another one."""
    name = file.name
    sums = []  # what is published, what was found
    if file.packed is not None:
        sums.append((published.packed[name], hexdigest(file.packed, "md5")))
    if name in published.unpacked:
        sums.append((published.unpacked[name], hexdigest(file.content, "md5")))
    if sums and all(known != found for known, found in sums):
        known, found = sums[-1]
        raise InputError(f"{file.path}: MD5 {found[:8]}…; expected {known[:8]}…, the published file")
    return bool(sums)


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
