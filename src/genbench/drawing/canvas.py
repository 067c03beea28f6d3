"""Dots, curves and words on paper.  Drawn three times too large and averaged, in integers: always the same bytes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Picture = np.ndarray  # RGB, uint8 (h, w, 3)

PAPER, FRAME, INK = (255, 255, 255), (204, 204, 204), (68, 68, 68)
TARGET, SAMPLES, SCORE, ALARM = (196, 202, 214), (31, 90, 180), (217, 95, 2), (214, 39, 40)
FINE = 3


class Key(NamedTuple):
    """A line of a legend."""

    colour: Colour
    text: str


class Canvas:
    """The unit square, (0, 0) at the lower left, on width × height pixels with a margin."""

    def __init__(self, width: int, height: int, margin: int = 4) -> None:
        self.width, self.height, self.margin = width, height, margin
        self.image = Image.new("RGB", (width * FINE, height * FINE), PAPER)
        self.pen = ImageDraw.Draw(self.image)
        self.pen.rectangle(self._box(0, 0, 1, 1), outline=FRAME, width=FINE)

    def places(self, points: np.ndarray) -> np.ndarray:
        """(n, 2) in the unit square -> fine pixels."""
        size = np.array([self.width, self.height], np.float64) - 2 * self.margin
        flipped = np.stack([points[:, 0], 1 - points[:, 1]], 1)
        fine: np.ndarray = FINE * (self.margin + flipped * size)
        return fine

    def dots(self, points: np.ndarray, radius: float, colour: Colour) -> None:
        """Filled circles of a radius in pixels around points (n, 2)."""
        for x, y in self.places(points):
            r = radius * FINE
            self.pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def rings(self, points: np.ndarray, radius: float, colour: Colour) -> None:
        """Circles two pixels wide around points (n, 2)."""
        for x, y in self.places(points):
            r = radius * FINE
            self.pen.ellipse((x - r, y - r, x + r, y + r), outline=colour, width=2 * FINE)

    def area(self, points: np.ndarray, colour: Colour) -> None:
        """What lies between a curve (n, 2) and the bottom."""
        closed = np.concatenate([[[points[0, 0], 0.0]], points, [[points[-1, 0], 0.0]]])
        self.pen.polygon(_pairs(self.places(closed)), fill=colour)

    def curve(self, points: np.ndarray, colour: Colour, width: float = 1.6) -> None:
        self.pen.line(_pairs(self.places(points)), fill=colour, width=round(width * FINE), joint="curve")

    def picture(self) -> Picture:
        return np.asarray(self.image.reduce(FINE))

    def _box(self, left: float, bottom: float, right: float, top: float) -> list[float]:
        (x0, y0), (x1, y1) = self.places(np.array([[left, top], [right, bottom]]))
        return [x0, y0, x1, y1]


def captioned(picture: Picture, text: str, *, size: int = 12) -> Picture:
    """The picture under a line of text."""
    head = Image.new("RGB", (picture.shape[1], size + 6), PAPER)
    ImageDraw.Draw(head).text((4, 2), text, fill=INK, font=_font(size))
    return np.concatenate([np.asarray(head), picture])


def with_legend(picture: Picture, keys: Sequence[Key], *, size: int = 12) -> Picture:
    """The picture above a line of coloured squares with their meanings; unchanged without keys."""
    if not keys:
        return picture
    foot = Image.new("RGB", (picture.shape[1], size + 10), PAPER)
    pen, left = ImageDraw.Draw(foot), 6
    for colour, text in keys:
        pen.rectangle((left, 5, left + size - 2, 3 + size), fill=colour)
        pen.text((left + size + 3, 3), text, fill=INK, font=_font(size))
        left += size + 18 + round(pen.textlength(text, font=_font(size)))
    return np.concatenate([picture, np.asarray(foot)])


def side_by_side(pictures: Sequence[Picture], columns: int, gap: int = 8) -> Picture:
    """Pictures of one size, row by row."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    paper = np.full(shape, 255, np.uint8)
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        paper[top : top + height, left : left + width] = picture
    return paper


def _pairs(points: np.ndarray) -> list[Any]:
    return [(float(x), float(y)) for x, y in points]


def _font(size: int) -> Any:
    return ImageFont.load_default(size)
