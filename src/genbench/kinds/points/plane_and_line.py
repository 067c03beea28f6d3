"""Pictures of points: dots in the plane, density curves on the line, over the true mixture where it is known."""

from collections.abc import Mapping

import numpy as np

from genbench.drawing.canvas import (
    ALARM,
    INK,
    SAMPLES,
    SCORE,
    TARGET,
    Canvas,
    Colour,
    Key,
    Picture,
    with_legend,
)
from genbench.kinds.drawing import Size
from genbench.kinds.kind import Card
from genbench.kinds.points.mixture import WITHIN, sample_density, true_density

LINE = 400  # places at which curves are drawn
UNDECIDED = (244, 214, 190)  # the height at which D says one half
PLANE_SIDES = {"small": 200, "large": 380}
LINE_SIZES = {"small": (250, 150), "large": (480, 260)}


def in_plane(x: np.ndarray, card: Card, size: Size) -> Picture:
    """The first two coordinates of samples (k, d)."""
    canvas = _plane_canvas(size, card)
    canvas.dots(x[:, :2], 1.1 if size == "large" else 0.8, SAMPLES)
    return canvas.picture()


def on_line(frame: Mapping[str, np.ndarray], x: np.ndarray, card: Card, size: Size) -> Picture:
    """The density of samples (k, 1), and of what the frame holds besides, score and critic: (places,)."""
    canvas = _line_canvas(size, card)
    places = np.linspace(0, 1, LINE)
    _curve(canvas, places, sample_density(x[:, 0], places, card) / _top(card), SAMPLES)
    if (score := frame.get("score")) is not None:
        canvas.curve(np.array([[0.0, 0.5], [1.0, 0.5]]), UNDECIDED, 1.0)
        _curve(canvas, np.linspace(0, 1, len(score)), score, SCORE)
    if (critic := frame.get("critic")) is not None:  # its level and its scale mean nothing
        heights = (critic - critic.min()) / max(float(critic.max() - critic.min()), 1e-12)
        _curve(canvas, np.linspace(0, 1, len(critic)), heights, SCORE)
    return canvas.picture()


def legend(frame: Mapping[str, np.ndarray], card: Card) -> list[Key]:
    """What the colours of `in_plane` and `on_line` mean."""
    one_dimensional = frame["x"].shape[1] == 1
    keys = [Key(SAMPLES, "sample density" if one_dimensional else "samples")]
    if "centres" in card:
        true = "data density" if one_dimensional else f"within {WITHIN:g} sigma of a true centre"
        keys.insert(0, Key(TARGET, true))
    curves = {"score": "D(x), from 0 to 1", "critic": "critic, least to greatest"}
    return keys + [Key(SCORE, text) for name, text in curves.items() if name in frame]


def pairs(samples: np.ndarray, training: np.ndarray, copies: np.ndarray, card: Card) -> Picture:
    """Samples (n, d) in rings around them, red for copies (n,), and their nearest training points (n, d) as dots."""
    if samples.shape[1] == 1:
        canvas = _line_canvas("large", card)
        places, near = (np.stack([x[:, 0], np.full(len(x), 0.5)], 1) for x in (samples, training))
    else:
        canvas = _plane_canvas("large", card)
        places, near = samples[:, :2], training[:, :2]
    canvas.dots(near, 2.0, INK)
    canvas.rings(places[~copies], 6.0, SAMPLES)
    canvas.rings(places[copies], 6.0, ALARM)
    keys = [Key(INK, "training point"), Key(SAMPLES, "sample"), Key(ALARM, "counts as a copy")]
    return with_legend(canvas.picture(), keys)


def _plane_canvas(size: Size, card: Card) -> Canvas:
    side = PLANE_SIDES[size]
    canvas = Canvas(side, side)
    if "centres" in card:
        radius = WITHIN * float(card["sigma"]) * (side - 2 * canvas.margin)
        canvas.dots(np.array(card["centres"])[:, :2], max(radius, 2.0), TARGET)
    return canvas


def _line_canvas(size: Size, card: Card) -> Canvas:
    canvas = Canvas(*LINE_SIZES[size])
    if "centres" in card:
        places = np.linspace(0, 1, LINE)
        canvas.area(np.stack([places, true_density(places, card) / _top(card)], 1), TARGET)
    return canvas


def _curve(canvas: Canvas, places: np.ndarray, heights: np.ndarray, colour: Colour) -> None:
    canvas.curve(np.stack([places, heights.clip(0, 1)], 1), colour)


def _top(card: Card) -> float:
    """The density at the picture's upper edge: half as much again as the data ever has."""
    return 1.5 * float(true_density(np.linspace(0, 1, LINE), card).max()) if "centres" in card else 10.0
