"""How a model's samples changed while it was trained: moments side by side, which the page can also play one by one."""

from typing import NamedTuple

import numpy as np

from genbench.drawing.canvas import Picture, captioned, side_by_side, with_legend
from genbench.kinds.drawing import drawing_of
from genbench.kinds.kind import Card

COLUMNS, MOMENTS, GAP = 4, 8, 8


class Reel(NamedTuple):
    """Where the moments lie in the picture, in pixels: the i-th in column i mod columns of row ⌊i / columns⌋."""

    moments: int
    columns: int
    width: int
    height: int
    gap: int


class Film(NamedTuple):
    """still: every moment side by side, RGB."""

    still: Picture
    reel: Reel


def film(frames: dict[str, np.ndarray], card: Card) -> Film:
    """The moments of a training, as the kind of data draws each.

    frames: step (m,), x (m, k, *shape) as stored, and what else the model showed, (m, …).  Of more than MOMENTS,
    as many are shown, evenly spaced from the first to the last.
    """
    drawing = drawing_of(card)
    count = min(len(frames["step"]), MOMENTS)
    chosen = np.linspace(0, len(frames["step"]) - 1, count).round().astype(int)
    steps = [int(step) for step in frames["step"][chosen]]
    moments = [{name: values[i] for name, values in frames.items()} for i in chosen]
    drawn = [drawing.moment(moment, card, size="small") for moment in moments]
    pictures = [captioned(each, f"step {step:,}") for each, step in zip(drawn, steps, strict=True)]
    height, width = pictures[0].shape[:2]
    columns = 1 if drawn[0].shape[1] > 4 * drawn[0].shape[0] else COLUMNS  # a row of images is wide enough
    still = with_legend(side_by_side(pictures, columns, GAP), drawing.legend(moments[0], card))
    return Film(still, Reel(count, columns, width, height, GAP))
