"""Pictures as the page shows them: lossless WebP of as few pixels as they have, in the page as data URIs."""

import io
from base64 import b64encode
from typing import NamedTuple

import numpy as np
from PIL import Image

# Of PNG 694 pictures of the default benchmark take 7.9 MB, as they are 2.9 MB, without the enlargement of small
# images 2.3 MB.  Slower methods of the encoder gain nothing more.
METHOD, EFFORT = 3, 60


class Picture(NamedTuple):
    """A picture as a data URI and the size to show it at; crisp: it is enlarged by this much or more."""

    uri: str
    width: int
    height: int
    crisp: int = 1


def picture(
    content: bytes | np.ndarray | None, target: int = 380, *, as_it_is: bool = False
) -> Picture | None:
    """A PNG file or RGB (h, w, 3), shown at a whole multiple of its size, about `target` pixels wide; None for nothing.

    Small images that were drawn enlarged are stored small, and enlarged by whoever shows them, unless the picture is
    wanted `as_it_is`.  The same picture gives the same bytes.
    """
    if content is None or len(content) == 0:
        return None
    with (
        Image.fromarray(content)
        if isinstance(content, np.ndarray)
        else Image.open(io.BytesIO(content)) as image
    ):
        pixels = np.asarray(image.convert("RGB"))
    times = max(1, target // pixels.shape[1])
    small, scale = (pixels, 1) if as_it_is else reduced(pixels)
    buffer = io.BytesIO()
    Image.fromarray(small).save(buffer, "WEBP", lossless=True, method=METHOD, quality=EFFORT)
    uri = f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"
    height, width = (times * scale * side for side in small.shape[:2])
    return Picture(uri, width, height, times * scale)


def reduced(pixels: np.ndarray) -> tuple[np.ndarray, int]:
    """RGB (h, w, 3) without the enlargement that it was drawn at, and by how much that is; as it is where by none.

    Rows and columns that repeat are taken out, all by the same factor: the length of most of the repetitions.  Gaps
    between tiles may be a third of an enlarged pixel wider or narrower than they were; where anything else would
    change by more, nothing is taken out.
    """
    sides = _repeated(pixels), _repeated(pixels.swapaxes(0, 1))
    often = np.bincount(np.concatenate(sides))
    scale = int(often.argmax())
    few = [np.rint(lengths / scale).astype(int) for lengths in sides]
    changed = np.concatenate([np.abs(scale * n - lengths) for n, lengths in zip(few, sides, strict=True)])
    if scale == 1 or often[scale] == 1 or (3 * changed > scale).any():
        return pixels, 1
    i, j = (np.repeat(np.cumsum(lengths) - lengths, n) for n, lengths in zip(few, sides, strict=True))
    return pixels[np.ix_(i, j)], scale


def _repeated(lines: np.ndarray) -> np.ndarray:
    """Lengths (k,) of the stretches of equal neighbours among lines (n, m, 3)."""
    new = (lines[1:] != lines[:-1]).any((1, 2))
    return np.diff(np.flatnonzero(np.concatenate([[True], new, [True]])))


def check(content: bytes) -> None:
    """Whether a file can be shown.

    Raises:
        OSError, SyntaxError: it is no picture, or a damaged one.
    """
    with Image.open(io.BytesIO(content)) as image:
        image.load()
