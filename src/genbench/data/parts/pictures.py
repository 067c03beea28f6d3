"""Pictures in a folder: found, decoded to 8 bits, brought to one size."""

import io
import os
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from genbench.data.pixels import resized
from genbench.storage.arrays import concatenated
from genbench.storage.files import InputError, read_bytes, utf8

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")  # of a file of any of the names below
OWN_FORMAT = {".gif": "GIF", ".tif": "TIFF", ".tiff": "TIFF"}  # and this of a file that is called so
SUFFIXES = {".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".webp", ".bmp", *OWN_FORMAT}
NOT_READ = {".avif", ".dng", ".exr", ".heic", ".heif", ".ico", ".jp2", ".jxl", ".npy", ".npz", ".pgm", ".pnm"}
NOT_READ |= {
    ".ppm",
    ".psd",
    ".raw",
    ".svg",
    ".tga",
}  # pictures too; a folder may not lack them without a word
SMALLEST, LARGEST = 4, 4096  # pixels a side
MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}
MOST_UNREADABLE = 0.1
PNG_DEPTH = 24  # the place of the bit depth in the header of a PNG file
TIFF_DEPTH = 258  # the number of the tag with the bits of each channel
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)

Fit = Callable[[np.ndarray], np.ndarray]


class Pictures(NamedTuple):
    """images: uint8 (n, c, h, w).  names: relative to the folder.

    unreadable: files left out, and why each cannot be read.  passed_over: how many files of each of NOT_READ there are.
    """

    images: np.ndarray
    names: Sequence[str]
    unreadable: Mapping[str, str]
    passed_over: Mapping[str, int] = MappingProxyType({})

    @property
    def left_out(self) -> dict[str, Any]:
        """What a card says of files that are not among the images; each file's reason only where there is any."""
        files = list(self.unreadable)
        return {
            "unreadable": {"count": len(files), "files": files},
            **({"reasons": list(self.unreadable.values())} if files else {}),
            **({"passed_over": dict(self.passed_over)} if self.passed_over else {}),
        }


def read(
    folder: Path,
    fit: Fit,
    *,
    names: Sequence[str] | None = None,
    sizes: str = "",
    modes: str = "",
) -> Pictures:
    """Every picture below a folder, in order of names, each as `fit` makes it of uint8 (c, h, w).

    names: of these files alone, in this order.  sizes, modes: for the message, what else to do where they differ.

    Raises:
        InputError: no picture, mixed sizes or modes, deep or transparent ones, more than a tenth of the files damaged.
    """
    every = files(folder) if names is None else [folder / name for name in names]
    found = [file for file in every if names is not None or file.suffix.lower() in SUFFIXES]
    others = [file.suffix.lower() for file in every if file.suffix.lower() in NOT_READ]
    passed_over = dict(sorted(Counter(others).items()))
    if not found:
        there = ", ".join(f"{count} {suffix}" for suffix, count in passed_over.items())
        raise InputError(
            f"{folder}: no images{f' but {there}' if there else ''}; expected {', '.join(sorted(SUFFIXES))} files"
        )
    kept: list[str] = []
    unreadable: dict[str, str] = {}
    images = concatenated(_decoded(folder, found, fit, kept, unreadable, sizes=sizes, modes=modes))
    return Pictures(images, kept, unreadable, passed_over)


def _decoded(
    folder: Path,
    found: Sequence[Path],
    fit: Fit,
    kept: list[str],
    unreadable: dict[str, str],
    *,
    sizes: str,
    modes: str,
) -> Iterator[np.ndarray]:
    """The pictures one by one, (1, c, h, w); fills `kept` and `unreadable` on the way.  Raises as `read` does."""
    first: Sequence[int] = ()
    for file in found:
        name = utf8(file.relative_to(folder))
        try:
            image = decode(file)
        except DAMAGED as error:
            if isinstance(error, InputError):
                raise InputError(f"{file}: {error}") from error
            unreadable[name] = _reason(error, file)
            continue
        pixels = fit(image)
        first = first if kept else pixels.shape
        kept.append(name)
        if pixels.shape != first:
            hint = sizes if len(pixels) == first[0] else modes
            raise InputError(
                f"{folder}: {kept[0]} is {_said(first)}, {name} is {_said(pixels.shape)}; "
                f"expected one size and mode{hint}"
            )
        yield pixels[None]
    if len(unreadable) > MOST_UNREADABLE * len(found) or not kept:
        some = ", ".join(list(unreadable)[:3]) + (", …" if len(unreadable) > 3 else "")
        name, reason = next(iter(unreadable.items()))
        raise InputError(
            f"{folder}: {len(unreadable)} of {len(found)} files cannot be read ({some}); expected images; "
            f"{name}: {reason}"
        )


def files(folder: Path) -> list[Path]:
    """Every file below a folder, images or not, hidden ones left out, in order of their relative names.

    Links are followed, to files and to folders; a folder counts once, however many ways lead to it, and its own place
    comes before links to it.

    Raises:
        InputError: a folder that cannot be read, or a link to a folder that it lies in.
    """

    def fail(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot read the folder: {error.strerror}") from error

    found: list[Path] = []
    seen: set[Path] = set()
    starts = [folder]
    while starts:
        if (start := starts.pop(0)).resolve() in seen:
            continue
        links = []
        for place, inner, names in os.walk(start, onerror=fail):
            at = Path(place)
            seen.add(at.resolve())
            below = [at / name for name in inner if not name.startswith(".")]
            links += [path for path in below if path.is_symlink()]
            inner[:] = [path.name for path in below if path not in links and path.resolve() not in seen]
            found += [at / name for name in names if not name.startswith(".")]
        for link in links:
            if link.parent.resolve().is_relative_to(link.resolve()):
                raise InputError(
                    f"{link}: a link to a folder that it lies in; expected images or folders of them"
                )
        starts = sorted([*starts, *links], key=lambda path: path.as_posix())
    return sorted(found, key=lambda file: file.as_posix())


def _reason(error: Exception, file: Path) -> str:
    """Why a file cannot be read; Pillow's own words name an object in memory where it knows no format."""
    if isinstance(error, UnidentifiedImageError):
        return f"is no {', '.join(_formats(file))} file"
    return " ".join(str(error).split()) or type(error).__name__


def _formats(file: Path) -> tuple[str, ...]:
    own = OWN_FORMAT.get(file.suffix.lower())
    return (*FORMATS, own) if own else FORMATS


def decode(file: Path) -> np.ndarray:
    """One picture as uint8 (c, h, w), grey or RGB, upright as its camera noted.

    Raises:
        InputError: sixteen bits, or transparent pixels; transparency is accepted where nothing shows through.
        Exception: one of DAMAGED; a file that cannot be read is one.
    """
    if not file.is_file():  # a pipe or a device would be read without end
        raise OSError("is no file")
    try:
        content = read_bytes(file, what="a picture")
    except InputError as error:
        raise OSError(str(error).removeprefix(f"{file}: ")) from error  # a card names no place
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # twice as large is an error
        with Image.open(io.BytesIO(content), formats=_formats(file)) as opened:
            opened.load()
            image = ImageOps.exif_transpose(opened)
    if (depth := _depth(opened, content)) > 8:
        raise InputError(f"has {depth} bits a channel; expected 8-bit grey or RGB")
    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        full = image.convert("LA" if image.mode in ("L", "LA", "1") else "RGBA")
        if full.getchannel("A").getextrema()[0] != 255:
            raise InputError("has transparent pixels; expected opaque images")
        image = full.convert("L" if full.mode == "LA" else "RGB")
    if image.mode not in MODES:
        raise InputError(f"has mode {image.mode}; expected 8-bit grey or RGB")
    pixels = np.asarray(image.convert(MODES[image.mode]))
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _depth(opened: Image.Image, content: bytes) -> int:
    """Bits a channel: Pillow drops the lower byte of colours in silence."""
    if opened.format == "PNG":
        return content[PNG_DEPTH]
    return max(opened.tag_v2.get(TIFF_DEPTH, (8,))) if isinstance(opened, TiffImageFile) else 8


def fitting(size: int, *, crop: int | None = None, grey: bool = False, rgb: bool = False) -> Fit:
    """What turns uint8 (c, h, w) into (c', size, size): the central square, resized, bicubic with antialiasing.

    crop: the side of that square in pixels; None for the largest.  grey, rgb: turn every picture into that mode.

    Raises:
        InputError: options out of range; later, of a picture smaller than `crop`.
    """
    for option, side in (("size", size), ("crop", size if crop is None else crop)):
        if not SMALLEST <= side <= LARGEST:
            raise InputError(f"{option}: got {side}; expected {SMALLEST} to {LARGEST}")
    if grey and rgb:
        raise InputError("grey, rgb: both are true; expected one of them")

    def fit(image: np.ndarray) -> np.ndarray:
        image = _grey(image) if grey else _rgb(image) if rgb else image
        return resized(_square(image, crop)[None], size, size)[0]

    return fit


def mode(channels: int) -> str:
    return "grey" if channels == 1 else "RGB"


def _said(shape: Sequence[int]) -> str:
    channels, height, width = shape
    return f"{width}x{height} {mode(channels)}"


def _square(image: np.ndarray, side: int | None) -> np.ndarray:
    """(c, h, w) -> (c, s, s), the centre, s the shorter side or less"""
    height, width = image.shape[1:]
    side = min(height, width) if side is None else side
    if side > min(height, width):
        raise InputError(
            f"crop: got {side}, an image is {_said(image.shape)}; expected no more than its shorter side"
        )
    top, left = (height - side) // 2, (width - side) // 2
    return image[:, top : top + side, left : left + side]


def _grey(image: np.ndarray) -> np.ndarray:
    """(c, h, w) -> (1, h, w), luma of ITU-R 601"""
    if len(image) == 1:
        return image
    return np.asarray(Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).convert("L"))[None]


def _rgb(image: np.ndarray) -> np.ndarray:
    """(c, h, w) -> (3, h, w)"""
    return np.repeat(image, 3, axis=0) if len(image) == 1 else image
