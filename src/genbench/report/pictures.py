"""Mosaics of tiny images, enlarged to whole multiples so that every pixel stays a square."""

import io
from base64 import b64encode
from typing import NamedTuple

import numpy as np
from PIL import Image

GAP = 2  # transparent pixels between the images


class Picture(NamedTuple):
    """A PNG as a data URI and the size to show it at."""

    uri: str
    width: int
    height: int


def picture(png: bytes, target: int = 380) -> Picture | None:
    """A PNG shown at a whole multiple of its size, about `target` pixels wide; None without a PNG."""
    if not png:
        return None
    with Image.open(io.BytesIO(png)) as image:
        width, height = image.size
    times = max(1, target // width)
    return Picture(f"data:image/png;base64,{b64encode(png).decode()}", times * width, times * height)


def mosaic(images: np.ndarray, levels: int, cell: int = 32) -> bytes:
    """PNG of images (rows, cols, c, h, w) of levels 0 … levels−1, each enlarged to about `cell` pixels."""
    rows, cols, channels, height, width = images.shape
    times = max(1, round(cell / width))
    grey = np.rint(images.astype(np.float64) * (255 / (levels - 1))).clip(0, 255).astype(np.uint8)
    colour = grey if channels == 3 else grey[:, :, :1].repeat(3, axis=2)
    opaque = np.concatenate([colour, np.full_like(colour[:, :, :1], 255)], axis=2)
    large = opaque.repeat(times, axis=3).repeat(times, axis=4)
    padded = np.pad(large, [(0, 0)] * 3 + [(0, GAP)] * 2)
    h, w = height * times + GAP, width * times + GAP
    sheet = padded.transpose(0, 3, 1, 4, 2).reshape(rows * h, cols * w, 4)
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(sheet[: -GAP or None, : -GAP or None])).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


def sheet(images: np.ndarray, cols: int) -> np.ndarray:
    """(n, c, h, w) -> (rows, cols, c, h, w), the last row filled with level 0."""
    rows = -(-len(images) // cols)
    missing = np.zeros((rows * cols - len(images), *images.shape[1:]), images.dtype)
    return np.concatenate([images, missing]).reshape(rows, cols, *images.shape[1:])
