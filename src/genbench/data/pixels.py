"""Images as arrays of bytes: brought to another size or to the full range of grey levels."""

import numpy as np
from PIL import Image

from genbench.storage.arrays import blocks, concatenated


def reduced(images: np.ndarray, side: int) -> np.ndarray:
    """The images with their longer side averaged down to `side`, or as they are where it is no longer."""
    height, width = images.shape[2:]
    longer = max(height, width)
    if longer <= side:
        return images
    small = [max(1, round(length * side / longer)) for length in (height, width)]
    return resized(images, *small, method=Image.Resampling.BOX)


def spread(x: np.ndarray, levels: int) -> np.ndarray:
    """Levels 0 … levels−1 -> the nearest of 0 … 255; nothing is copied where they are that already."""
    table = np.round(np.arange(levels) * (255 / (levels - 1))).astype(np.uint8)
    if levels == 256:
        return np.ascontiguousarray(x)
    return concatenated(table[block] for block in blocks(x)) if len(x) else x


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
