"""How a model's samples changed while it was trained: small multiples, and the same as an animated picture."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from genbench.drawing.canvas import Picture, captioned, side_by_side, with_legend
from genbench.kinds.kind import Card, Size, kind_of

COLUMNS, MOMENTS = 4, 8
PAUSE, LAST = 700, 2500  # milliseconds


class Film(NamedTuple):
    """still: every moment side by side, RGB.  moving: the bytes of a GIF, one moment after the other."""

    still: Picture
    moving: bytes


def film(frames: dict[str, np.ndarray], card: Card) -> Film:
    """The moments of a training, as the kind of data draws each.

    frames: step (m,), x (m, k, *shape) as stored, and what else the model showed, (m, …).  Of more than MOMENTS,
    as many are shown, evenly spaced from the first to the last.
    """
    kind = kind_of(card)
    count = min(len(frames["step"]), MOMENTS)
    chosen = np.linspace(0, len(frames["step"]) - 1, count).round().astype(int)
    steps = [int(step) for step in frames["step"][chosen]]
    moments = [{name: values[i] for name, values in frames.items()} for i in chosen]
    keys = kind.legend(moments[0], card)

    def pictures(size: Size) -> list[Picture]:
        drawn = [kind.moment(moment, card, size=size) for moment in moments]
        return [captioned(p, f"step {step:,}") for p, step in zip(drawn, steps, strict=True)]

    small = pictures("small")
    columns = 1 if small[0].shape[1] > 4 * small[0].shape[0] else COLUMNS  # a row of images is wide enough
    return Film(
        with_legend(side_by_side(small, columns), keys),
        gif([with_legend(p, keys) for p in pictures("large")]),
    )


def gif(pictures: list[Picture]) -> bytes:
    """RGB pictures of one size -> an animated GIF that starts over; the same pictures give the same bytes."""
    images = [Image.fromarray(p).quantize(256, dither=Image.Dither.NONE) for p in pictures]
    buffer = io.BytesIO()
    pauses = [PAUSE] * (len(images) - 1) + [LAST]
    images[0].save(
        buffer, format="GIF", save_all=True, append_images=images[1:], duration=pauses, loop=0, optimize=False
    )
    return buffer.getvalue()
