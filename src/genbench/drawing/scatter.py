"""Points of a plane in the colours of their classes."""

from colorsys import hsv_to_rgb

import numpy as np

from genbench.drawing.canvas import SAMPLES, Canvas, Colour, Key, Picture, with_legend

SIDE, RADIUS, AROUND = 400, 2.2, 0.03
IN_A_LINE = 7  # keys of a legend, of up to three digits
COLOURS: list[Colour] = [  # told apart by readers, also by most who see no red or green
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
    (227, 119, 194),
    (127, 127, 127),
    (188, 189, 34),
    (23, 190, 207),
]


def scatter(points: np.ndarray, label: np.ndarray) -> Picture:
    """Points (n, 2) with labels (n,), under which a legend stands; a label below 0 has no class and no key.

    The first coordinate grows to the right and the second upwards, each from its least to its largest value.
    """
    low, high = points.min(0), points.max(0)
    places = AROUND + (1 - 2 * AROUND) * (points - low) / np.maximum(high - low, 1e-12)
    colours = _colours(int(label.max()) + 1)
    canvas = Canvas(SIDE, SIDE)
    # In their order, so that no class hides another.
    for place, own in zip(places, label.tolist(), strict=True):
        canvas.dots(place[None], RADIUS, colours[own] if own >= 0 else SAMPLES)
    picture = canvas.picture()
    keys = [Key(colours[own], str(own)) for own in sorted(set(label.tolist())) if own >= 0]
    line = len(COLOURS) if len(keys) <= len(COLOURS) else IN_A_LINE
    for first in range(0, len(keys), line):
        picture = with_legend(picture, keys[first : first + line])
    return picture


def _colours(classes: int) -> list[Colour]:
    if classes <= len(COLOURS):
        return COLOURS
    hues = (hsv_to_rgb(k / classes, 0.9, 0.6 + 0.3 * (k % 2)) for k in range(classes))
    return [(round(255 * r), round(255 * g), round(255 * b)) for r, g, b in hues]
