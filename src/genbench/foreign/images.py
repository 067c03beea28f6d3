"""Sets of images from anywhere: a folder of pictures, an .npz archive, one split of a prepared dataset."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genbench.data.parts import pictures
from genbench.data.parts.pictures import mode
from genbench.data.pixels import resized, spread
from genbench.data.prepared import Prepared
from genbench.storage.files import InputError, read_npz

SPLIT = re.compile(r"(?P<path>.+\.safetensors)(?::(?P<split>train|held_out))?")


class ImageSet(NamedTuple):
    """images: uint8 (n, c, h, w), full range 0 … 255.  names: of each image, for listings.

    unreadable: files left out because they are damaged.  sha256: of the shape and the pixels.
    """

    images: np.ndarray
    names: Sequence[str]
    source: str
    unreadable: Sequence[str]
    sha256: str


def read(source: str, role: str, *, size: int | None = None, levels: int = 256, least: int = 2) -> ImageSet:
    """Images of a folder (recursive), an .npz archive, or `prepared.safetensors:train` or `:held_out`.

    role: "train" or "held_out" name the split that a prepared dataset without a suffix means; otherwise it is needed.
    size: resize to size × size, bicubic with antialiasing.  levels: grey levels of integers in an .npz archive.

    Raises:
        InputError: nothing there, mixed sizes or modes, NaN or values out of range, fewer than `least` images, more
            than a tenth of the files damaged.
    """
    split = SPLIT.fullmatch(source)
    unreadable: Sequence[str] = ()
    if split:
        images, names = _prepared(Path(split["path"]), split["split"] or role, size)
    elif Path(source).is_dir():
        images, names, unreadable = _folder(Path(source), size)
    elif source.endswith(".npz"):
        images, names = _archive(Path(source), size, levels)
    elif Path(source).exists():
        raise InputError(
            f"{source}: expected a folder of images, an .npz archive or a prepared .safetensors file"
        )
    else:
        raise InputError(f"{source}: no such file or folder")
    if len(images) < least:
        raise InputError(
            f"{source}: {len(images)} image{'s' * (len(images) != 1)}; expected at least {least}"
        )
    return ImageSet(images, names, source, unreadable, _digest(images))


def samples_of(source: str, data: Prepared) -> np.ndarray:
    """Samples made elsewhere as a dataset stores its elements: (n, *shape), images at the nearest of its levels.

    Raises:
        InputError: nothing there, or something of another shape or range.
    """
    path = Path(source)
    if path.suffix == ".npz":
        x = read_npz(path, what="the samples").get("x")
        if data.misfit(x) is None and x is not None:
            return x
        if data.card["kind"] != "image":
            raise InputError(f"{source}: array 'x' {data.misfit(x)}")
    elif data.card["kind"] != "image":
        raise InputError(f"{source}: expected an .npz archive with an array 'x'")
    images = read(source, "samples").images
    if images.shape[1:] != data.train.x.shape[1:]:
        raise InputError(f"{source}: images of shape {images.shape[1:]}; expected {data.train.x.shape[1:]}")
    levels: np.ndarray = np.round(images * ((data.levels - 1) / 255)).astype(np.uint8)
    return levels


def alike(*sets: ImageSet) -> None:
    """Raises InputError unless all sets have images of the shape of the first."""
    first = sets[0]
    for other in sets[1:]:
        (c, h, w), (channels, height, width) = first.images.shape[1:], other.images.shape[1:]
        if c != channels:
            raise InputError(
                f"{first.source} holds {mode(c)} images, {other.source} {mode(channels)}; expected one mode"
            )
        if (h, w) != (height, width):
            raise InputError(
                f"{first.source} holds {w}x{h} images, {other.source} {width}x{height}; "
                "expected one size, or --size N to resize all"
            )


def apart(train: ImageSet, held_out: ImageSet) -> None:
    """Raises InputError where held-out images are the training images: nothing could be calibrated on them."""
    if train.sha256 == held_out.sha256:
        raise InputError(f"{held_out.source}: the same images as {train.source}; expected held-out images")


def _prepared(path: Path, split: str, size: int | None) -> tuple[np.ndarray, Sequence[str]]:
    from genbench.data.prepared import load

    if split not in ("train", "held_out"):
        raise InputError(f"{path}: which split? expected {path}:train or {path}:held_out")
    data = load(path)
    stored = data.train.x if split == "train" else data.held_out.x
    return _to_size(spread(stored, data.levels), size), [f"{split}[{i}]" for i in range(len(stored))]


def _archive(path: Path, size: int | None, levels: int) -> tuple[np.ndarray, Sequence[str]]:
    arrays = read_npz(path, what="the images")
    if "x" not in arrays and len(arrays) != 1:
        raise InputError(f"{path}: arrays {sorted(arrays)}; expected one array, or one called 'x'")
    name = "x" if "x" in arrays else next(iter(arrays))
    x = _channels_first(arrays[name], f"{path}: array {name!r}")
    images = _full_range(x, levels, f"{path}: array {name!r}")
    return _to_size(images, size), [f"{name}[{i}]" for i in range(len(images))]


def _channels_first(x: np.ndarray, what: str) -> np.ndarray:
    """(n, h, w), (n, c, h, w) or (n, h, w, c) -> (n, c, h, w)"""
    if x.ndim == 3:
        x = x[:, None]
    if x.ndim != 4 or 0 in x.shape[1:] or not {x.shape[1], x.shape[3]} & {1, 3}:
        raise InputError(
            f"{what} has shape {x.shape}; expected (n, h, w), (n, c, h, w) or (n, h, w, c) with c 1 or 3"
        )
    return x if x.shape[1] in (1, 3) else x.transpose(0, 3, 1, 2)


def _full_range(x: np.ndarray, levels: int, what: str) -> np.ndarray:
    """uint8 levels, or floats in [0, 1] -> uint8 0 … 255"""
    if x.dtype.kind == "f":
        bad = np.count_nonzero(~np.isfinite(x))
        if bad:
            raise InputError(f"{what} holds {bad} values that are NaN or infinite; expected [0, 1]")
        if len(x) and (x.min() < 0 or x.max() > 1):
            raise InputError(f"{what} holds floats from {x.min():.4g} to {x.max():.4g}; expected [0, 1]")
        unit = x.astype(np.float64)
    elif x.dtype == np.uint8:
        if len(x) and x.max() >= levels:
            raise InputError(
                f"{what} holds values up to {x.max()}; expected below {levels}, the number of levels"
            )
        return spread(x, levels)
    else:
        raise InputError(f"{what} has dtype {x.dtype}; expected uint8, or floats in [0, 1]")
    return np.ascontiguousarray(np.round(unit * 255).astype(np.uint8))


def _digest(images: np.ndarray) -> str:
    digest = hashlib.sha256(repr(images.shape).encode())
    digest.update(images.data)
    return digest.hexdigest()


def _folder(path: Path, size: int | None) -> pictures.Pictures:
    def fit(image: np.ndarray) -> np.ndarray:
        return _to_size(image[None], size)[0]

    return pictures.read(path, fit, sizes=", or --size N to resize all")


def _to_size(images: np.ndarray, size: int | None) -> np.ndarray:
    return images if size is None else resized(images, size, size)
