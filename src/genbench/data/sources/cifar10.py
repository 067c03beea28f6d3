"""CIFAR-10 (Krizhevsky, 2009): 60,000 photographs of 32×32 pixels in RGB, 10 classes.

The binary version: records of a label and 3,072 bytes, the red, green and blue planes.  The Python version, which
torchvision reads, is pickled, and nothing is unpickled here.
"""

import io
import math
import tarfile
import zlib
from pathlib import Path

import numpy as np

from genbench.data.parts.raw import raw_folder
from genbench.data.source import Part, Source
from genbench.data.splits import subset
from genbench.storage.downloads import download, hexdigest
from genbench.storage.files import InputError, read_bytes, write_all

ARCHIVE, FOLDER = "cifar-10-binary.tar.gz", "cifar-10-batches-bin"
MIRRORS = ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/")
ARCHIVE_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
BATCHES = {  # MD5 of each; the last is held out
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
COUNT = 10_000  # images of a batch
SHAPE = (3, 32, 32)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load(
    *,
    root: str = "data/raw/cifar10",
    train: int | None = None,
    held_out: int | None = None,
    seed: int = 0,
) -> Source:
    """The official 50,000 and 10,000 images, or a stratified part of either; seed: of that choice.

    `root` holds the .bin files, or their folder, or the archive; where it holds none of them the archive is downloaded.
    Either the archive or each file must have the published sum.

    Raises:
        InputError: files that cannot be had, are damaged, or are not the published ones; more images than there are.
    """
    parts = [_records(content, path) for content, path in _batches(raw_folder(root))]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    about = {
        "source": "CIFAR-10 (Krizhevsky, Nair, Hinton), official split, binary version",
        "description": "photographs of 10 kinds of objects, 32×32 pixels, RGB",
        "licence": "none stated by its authors",
        "class_names": list(CLASSES),
        "checked": "MD5 of the published files",
    }
    split = len(x) - COUNT
    whole = Source(Part(x[:split], y[:split]), Part(x[split:], y[split:]), 256, len(CLASSES), about)
    return subset(whole, train=train, held_out=held_out, seed=seed)


def _batches(root: Path) -> list[tuple[bytes, Path]]:
    """Each batch's content and place: from files, from the archive, or from a fresh copy of the archive."""
    for place in (root, root / FOLDER):
        paths = [place / name for name in BATCHES]
        if all(path.is_file() for path in paths):
            return [(_published(read_bytes(path, what="the raw data"), path), path) for path in paths]
    path = root / ARCHIVE
    if path.is_file():
        return _members(read_bytes(path, what="the raw data"), path)
    try:
        archive, _ = download([mirror + ARCHIVE for mirror in MIRRORS], ARCHIVE_MD5, algorithm="md5")
    except InputError as error:
        raise InputError(
            f"root: {root} has neither {ARCHIVE} nor all of {', '.join(BATCHES)}, and none is to be had ({error})"
        ) from error
    write_all(root, {ARCHIVE: archive})
    return _members(archive, path)


def _members(archive: bytes, path: Path) -> list[tuple[bytes, Path]]:
    """The batches in the archive, as `_batches` gives them."""
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as members:
            for member in members:
                file = members.extractfile(member) if member.isfile() else None  # links lead anywhere
                if file is not None and Path(member.name).name in BATCHES:
                    found[Path(member.name).name] = file.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged, or no .tar.gz file ({error})") from error
    for name in BATCHES:
        if name not in found:
            raise InputError(f"{path}: holds no {name}; expected the binary version of CIFAR-10")
    if hexdigest(archive, "md5") == ARCHIVE_MD5:
        return [(found[name], path / name) for name in BATCHES]
    return [(_published(found[name], path / name), path / name) for name in BATCHES]


def _published(content: bytes, path: Path) -> bytes:
    found, known = hexdigest(content, "md5"), BATCHES[path.name]
    if found != known:
        raise InputError(
            f"{path}: {len(content)} bytes, MD5 {found[:8]}…; expected {known[:8]}…, the published file"
        )
    return content


def _records(content: bytes, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, 32, 32) and labels (n,) of one batch."""
    size = COUNT * (1 + math.prod(SHAPE))
    if len(content) != size:
        raise InputError(f"{path}: {len(content)} bytes; expected {size}, {COUNT} records")
    records = np.frombuffer(content, np.uint8).reshape(COUNT, -1)
    return records[:, 1:].reshape(-1, *SHAPE), records[:, 0].astype(np.int64)
