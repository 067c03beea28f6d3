"""Bars of shares over the cells of a table, drawn pixel by pixel: the same shares give the same picture."""

from collections.abc import Sequence

import numpy as np

PAPER, INK, PALE, GRID = (255, 255, 255), (40, 40, 40), (225, 225, 225), (235, 235, 235)
SAMPLED, TRUE = (31, 119, 180), (170, 170, 170)
HEIGHT, BAR, GAP, SQUARE, MARGIN = 220, 16, 12, 16, 16
MOST = 32  # cells that are drawn, the most frequent ones


def bars(
    shares: np.ndarray, cells: np.ndarray, names: Sequence[str], true: Sequence[float] | None = None
) -> np.ndarray:
    """RGB (h, w, 3): a blue bar for the share of each cell (cells,), a grey one beside it for its probability.

    Below each stands the cell (D,) as one square per variable, the darker the higher its level.
    """
    known = shares if true is None else np.array(true)
    shown = np.sort(np.argsort(-np.maximum(shares, known), kind="stable")[:MOST])
    heights = [(shares[shown], SAMPLED)] + ([] if true is None else [(known[shown], TRUE)])
    top = max(float(values.max()) for values, _ in heights)
    left = MARGIN + max(_text(name).shape[1] for name in (*names, "0.00")) + 8
    step, bottom = BAR * len(heights) + GAP, MARGIN + 24 + HEIGHT
    picture = _blank(bottom + 10 + (SQUARE + 4) * len(names) + MARGIN, left + step * len(shown) + MARGIN)
    _draw_axis(picture, left, bottom, top)
    for i, cell in enumerate(shown):
        x = left + i * step + GAP // 2
        for number, (values, colour) in enumerate(heights):
            height = round(HEIGHT * float(values[i]) / top)
            picture[bottom - height : bottom, x + number * BAR : x + (number + 1) * BAR - 1] = colour
        middle = x + (BAR * len(heights) - SQUARE) // 2
        _draw_cell(picture, bottom + 10, middle, cells[cell] / max(int(cells.max()), 1))
    picture[bottom, left:-MARGIN] = INK
    for variable, name in enumerate(names):
        _write(picture, bottom + 12 + variable * (SQUARE + 4), MARGIN, name)
    _draw_legend(picture, left, [(SAMPLED, "samples")] + ([] if true is None else [(TRUE, "true")]))
    return picture


def notice(text: str) -> np.ndarray:
    """RGB (h, w, 3): a line of text, where there is nothing to draw."""
    ink = _text(text)
    picture = _blank(ink.shape[0] + 2 * MARGIN, ink.shape[1] + 2 * MARGIN)
    _write(picture, MARGIN, MARGIN, text)
    return picture


def _draw_axis(picture: np.ndarray, left: int, bottom: int, top: float) -> None:
    """Lines and numbers at the ticks from 0 to `top`."""
    for tick in _ticks(top):
        y = bottom - round(HEIGHT * tick / top)
        picture[y, left:-MARGIN] = GRID
        _write(picture, y - 5, MARGIN, f"{tick:g}")


def _draw_cell(picture: np.ndarray, top: int, left: int, darkness: np.ndarray) -> None:
    """One square per variable, darkness (D,) in [0, 1], below each other."""
    for variable, dark in enumerate(darkness):
        y = top + variable * (SQUARE + 4)
        colour = np.round(np.array(PALE) + dark * (np.array(INK) - PALE))
        picture[y : y + SQUARE, left : left + SQUARE] = colour


def _draw_legend(picture: np.ndarray, left: int, keys: Sequence[tuple[tuple[int, int, int], str]]) -> None:
    for colour, label in keys:
        picture[MARGIN : MARGIN + 10, left : left + 10] = colour
        left = _write(picture, MARGIN - 1, left + 14, label) + 16


def _ticks(top: float) -> list[float]:
    """0 and the multiples of a round step up to `top`, five at most."""
    step = 10.0 ** np.floor(np.log10(top))
    step = next(step * part for part in (0.2, 0.5, 1.0, 2.0) if top / (step * part) < 5)
    return [round(i * step, 6) for i in range(int(top / step) + 1)]


def _blank(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), PAPER, np.uint8)


def _write(picture: np.ndarray, y: int, x: int, text: str) -> int:
    """Text with its upper left corner at (y, x), cut at the picture's edge; where it ends."""
    ink = _text(text)[: len(picture) - y, : picture.shape[1] - x]
    picture[y : y + ink.shape[0], x : x + ink.shape[1]][ink] = INK
    return x + ink.shape[1]


def _text(text: str) -> np.ndarray:
    """Where the ink is, bool (h, w).  A bitmap font of Pillow's own: no fonts of the machine."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default_imagefont()
    width = round(font.getlength(text))
    image = Image.new("1", (max(width, 1), 11))
    ImageDraw.Draw(image).text((0, 0), text, fill=1, font=font)
    ink: np.ndarray = np.array(image, bool)
    return ink
