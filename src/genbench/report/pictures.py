"""PNGs as the page shows them."""

import io
from base64 import b64encode
from typing import NamedTuple

from PIL import Image


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
