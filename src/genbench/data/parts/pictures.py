"""Pictures in a folder: found, decoded to 8 bits, brought to one size."""

import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from genbench.files import InputError, read_bytes
from genbench.large import laid_out

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
MODES = {"1": "L", "L": "L", "P": "RGB", "RGB": "RGB"}
MOST_UNREADABLE = 0.1
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


class Pictures(NamedTuple):
    """images: uint8 (n, c, h, w).  names: relative to the folder.  unreadable: files left out as damaged."""

    images: np.ndarray
    names: Sequence[str]
    unreadable: Sequence[str]


def read(
    folder: Path, fit: Callable[[np.ndarray], np.ndarray], *, sizes: str = "", modes: str = ""
) -> Pictures:
    """Every picture below a folder, in order of names, each as `fit` makes it of uint8 (c, h, w).

    sizes, modes: for the message, what else to do where they differ.

    Raises:
        InputError: no picture, mixed sizes or modes, deep or transparent ones, more than a tenth of the files damaged.
    """
    found = files(folder)
    if not found:
        raise InputError(f"{folder}: no images; expected {', '.join(sorted(SUFFIXES))} files")
    names: list[str] = []
    unreadable: list[str] = []
    images = laid_out(_decoded(folder, found, fit, names, unreadable, sizes=sizes, modes=modes))
    return Pictures(images, names, unreadable)


def _decoded(
    folder: Path,
    found: Sequence[Path],
    fit: Callable[[np.ndarray], np.ndarray],
    names: list[str],
    unreadable: list[str],
    *,
    sizes: str,
    modes: str,
) -> Iterator[np.ndarray]:
    """The pictures one by one, (1, c, h, w); fills `names` and `unreadable` on the way.  Raises as `read` does."""
    first = (0, 0, 0)
    for file in found:
        name = file.relative_to(folder).as_posix()
        try:
            image = decode(file)
        except DAMAGED as error:
            if isinstance(error, InputError):
                raise InputError(f"{file}: {error}") from error
            unreadable.append(name)
            continue
        pixels = fit(image)
        first = first if names else pixels.shape
        names.append(name)
        if pixels.shape != first:
            hint = sizes if len(pixels) == first[0] else modes
            raise InputError(
                f"{folder}: {names[0]} is {_said(first)}, {name} is {_said(pixels.shape)}; "
                f"expected one size and mode{hint}"
            )
        yield pixels[None]
    if len(unreadable) > MOST_UNREADABLE * len(found) or not names:
        some = ", ".join(unreadable[:3]) + (", …" if len(unreadable) > 3 else "")
        raise InputError(
            f"{folder}: {len(unreadable)} of {len(found)} files cannot be read ({some}); expected images"
        )


def files(folder: Path) -> list[Path]:
    """Every image file below a folder, hidden ones left out, in order of their relative names."""

    def fail(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot read the folder: {error.strerror}") from error

    found = []
    for place, inner, names in os.walk(folder, onerror=fail):
        inner[:] = [name for name in inner if not name.startswith(".")]
        found += [Path(place) / name for name in names if not name.startswith(".")]
    return sorted(
        (file for file in found if file.suffix.lower() in SUFFIXES), key=lambda file: file.as_posix()
    )


def decode(file: Path) -> np.ndarray:
    """One picture as uint8 (c, h, w), grey or RGB, upright as its camera noted.

    Raises:
        InputError: sixteen bits, or transparent pixels; transparency is accepted where nothing shows through.
        Exception: one of DAMAGED.
    """
    with Image.open(io.BytesIO(read_bytes(file, what="a picture"))) as opened:
        opened.load()
        image = ImageOps.exif_transpose(opened)
    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        full = image.convert("LA" if image.mode in ("L", "LA", "1") else "RGBA")
        if full.getchannel("A").getextrema()[0] != 255:
            raise InputError("has transparent pixels; expected opaque images")
        image = full.convert("L" if full.mode == "LA" else "RGB")
    if image.mode not in MODES:
        raise InputError(f"has mode {image.mode}; expected 8-bit grey or RGB")
    pixels = np.asarray(image.convert(MODES[image.mode]))
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def resized(
    images: np.ndarray, height: int, width: int, *, method: int = Image.Resampling.BICUBIC
) -> np.ndarray:
    """uint8 (n, c, h, w) -> (n, c, height, width); antialiased where it shrinks, rounded, never truncated."""
    if images.shape[2:] == (height, width):
        return images
    out = np.empty((*images.shape[:2], height, width), np.uint8)
    for one, target in zip(images, out, strict=True):
        for channel, plane in zip(one, target, strict=True):
            plane[:] = np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling(method)))
    return out


def mode(channels: int) -> str:
    return "grey" if channels == 1 else "RGB"


def _said(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    return f"{width}x{height} {mode(channels)}"
