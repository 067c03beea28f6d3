"""Images as arrays of bytes: brought to another size or to the full range of grey levels."""

import numpy as np
from PIL import Image

from genbench.storage.arrays import blocks, concatenated


def reduced(images: np.ndarray, side: int) -> np.ndarray:
    """uint8 images with their longer side averaged down to `side`, or as they are where it is no longer.

    A pixel is the mean of its area, rounded.  All images at once: PIL, one by one, takes sixteen times as long.
    """
    height, width = images.shape[2:]
    longer = max(height, width)
    if longer <= side or not len(images):
        return images
    of_rows, of_columns = (_shares(each, max(1, round(each * side / longer))) for each in (height, width))
    small = (
        np.rint(of_rows @ (block.astype(np.float32) @ of_columns.T)).astype(np.uint8)
        for block in blocks(images)
    )
    return concatenated(small)


def _shares(length: int, parts: int) -> np.ndarray:
    """(parts, length) float32: the share of each of so many pixels in the means of the equal parts of a line."""
    edges, pixels = np.linspace(0, length, parts + 1), np.arange(length)
    inside = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (inside.clip(0) * parts / length).astype(np.float32)


def spread(x: np.ndarray, levels: int) -> np.ndarray:
    """Levels 0 … levels−1 -> the nearest of 0 … 255; nothing is copied where they are that already."""
    table = np.round(np.arange(levels) * (255 / (levels - 1))).astype(np.uint8)
    if levels == 256:
        return np.ascontiguousarray(x)
    return concatenated(table[block] for block in blocks(x)) if len(x) else x


def resized(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 (n, c, h, w) -> (n, c, height, width), bicubic; antialiased where it shrinks, rounded, never truncated."""
    if images.shape[2:] == (height, width):
        return images
    out = np.empty((*images.shape[:2], height, width), np.uint8)
    for one, target in zip(images, out, strict=True):
        for channel, plane in zip(one, target, strict=True):
            plane[:] = np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BICUBIC))
    return out
