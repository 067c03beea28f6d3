"""Small images tiled into one PNG."""

import io
from collections.abc import Sequence

import numpy as np

PAPER, ALARM = 255, (214, 39, 40)


def tile(images: np.ndarray, levels: int, *, columns: int, side: int = 40) -> np.ndarray:
    """uint8 levels (n, c, h, w) -> one RGB picture, each image enlarged crisply to about `side` pixels."""
    n, _, height, width = images.shape
    scale = max(1, round(side / width))
    cell_h, cell_w, gap = height * scale, width * scale, 4
    rows = -(-n // columns)
    canvas = np.full((rows * (cell_h + gap) + gap, columns * (cell_w + gap) + gap, 3), PAPER, np.uint8)
    for i, image in enumerate(images):
        top, left = (i // columns) * (cell_h + gap) + gap, (i % columns) * (cell_w + gap) + gap
        canvas[top : top + cell_h, left : left + cell_w] = enlarge(image, levels, scale)
    return canvas


def enlarge(image: np.ndarray, levels: int, scale: int) -> np.ndarray:
    """uint8 levels (c, h, w) -> RGB bytes (h·scale, w·scale, 3)."""
    pixels = np.round(image.astype(np.float64) * (255 / (levels - 1))).astype(np.uint8)
    rgb = np.repeat(pixels, 3, axis=0) if len(pixels) == 1 else pixels[:3]
    return rgb.transpose(1, 2, 0).repeat(scale, axis=0).repeat(scale, axis=1)


def neighbours(
    samples: np.ndarray, training: np.ndarray, flagged: Sequence[bool], levels: int, *, side: int = 48
) -> np.ndarray:
    """Pairs side by side in columns: samples above, their nearest training images below; copies framed in red."""
    n, _, height, width = samples.shape
    scale = max(1, round(side / width))
    cell_h, cell_w, gap, frame = height * scale, width * scale, 12, 4
    canvas = np.full((2 * cell_h + 3 * gap, n * (cell_w + gap) + gap, 3), PAPER, np.uint8)
    for i in range(n):
        left = i * (cell_w + gap) + gap
        if flagged[i]:
            canvas[gap - frame : 2 * (cell_h + gap) + frame, left - frame : left + cell_w + frame] = ALARM
        for row, image in enumerate((samples[i], training[i])):
            top = gap + row * (cell_h + gap)
            canvas[top : top + cell_h, left : left + cell_w] = enlarge(image, levels, scale)
    return canvas


def png(picture: np.ndarray) -> bytes:
    """RGB (h, w, 3) -> the bytes of a PNG file; the same picture gives the same bytes."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()
