"""Pictures as the page shows them."""

import io
from base64 import b64encode
from typing import NamedTuple

from PIL import Image


class Picture(NamedTuple):
    """A PNG or GIF as a data URI and the size to show it at."""

    uri: str
    width: int
    height: int


def picture(content: bytes, target: int = 380) -> Picture | None:
    """A PNG or GIF shown at a whole multiple of its size, about `target` pixels wide; None for nothing."""
    if not content:
        return None
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
        kind = Image.MIME[str(image.format)]
    times = max(1, target // width)
    return Picture(f"data:{kind};base64,{b64encode(content).decode()}", times * width, times * height)
