"""Curves over a training as inline SVG.

There are hundreds of them: the library that draws the plots takes 50 ms and 6 kB for one, this takes 1 ms and 1.5 kB.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import ceil, floor, log10, sqrt
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

SPAN = 20  # a factor
BINS, FEW = 60, 36  # of a curve some 250 pixels wide, and of one in a table


class Axis(NamedTuple):
    """Maps values to [0, 1] and knows its ticks."""

    low: float
    high: float
    warp: Callable[[float], float]
    ticks: list[float]

    def __call__(self, value: float) -> float:
        low, high = self.warp(self.low), self.warp(self.high)
        return (self.warp(min(max(value, self.low), self.high)) - low) / (high - low)


class Figure(NamedTuple):
    """A chart and what stands above it."""

    caption: str
    svg: Markup


def linear_axis(low: float, high: float) -> Axis:
    """About four ticks at 1, 2 or 5 times a power of ten."""
    if high <= low:
        low, high = low - 0.5, high + 0.5
    step = _nice((high - low) / 4)
    ticks = [i * step for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    return Axis(low, high, float, ticks)


def log_axis(low: float, high: float) -> Axis:
    """Ticks at 1, 2, 5 below two decades, at about six powers of ten above."""
    low, high = (low, high) if high > low else (low / 2, high * 2)
    first, last = floor(log10(low)), ceil(log10(high))
    decades = range(first, last + 1, ceil((last - first) / 6) or 1)
    factors = (1, 2, 5) if log10(high / low) < 2 else (1,)
    ticks = [
        f * 10.0**k for k in decades for f in factors if low <= f * 10.0**k * (1 + 1e-9) <= high * (1 + 2e-9)
    ]
    return Axis(low, high, log10, ticks)


def rate_axis() -> Axis:
    """Shares in percent on a square-root axis: 0, 1 % and 10 % stand apart."""
    return Axis(0.0, 100.0, sqrt, [0.0, 1.0, 10.0, 25.0, 50.0, 100.0])


def is_wide(low: float, high: float) -> bool:
    """Whether values from low to high stand on a logarithmic axis: positive ones that span more than SPAN."""
    return low > 0 and high / low > SPAN


def fitting_axis(values: Sequence[float]) -> Axis:
    low, high = min(values), max(values)
    return log_axis(low, high) if is_wide(low, high) else linear_axis(low, high)


def line_chart(title: str, steps: np.ndarray, values: np.ndarray) -> Markup:
    """Values against steps: the mean of up to BINS bins over the band from their smallest to largest value."""
    left, right, top, bottom = 46, 280, 8, 122
    curve = _binned(steps, values)
    if curve is None:
        return Markup("")
    across = linear_axis(*curve.span)
    up = fitting_axis([*curve.lows, *curve.highs])

    def place(step: float, value: float) -> tuple[float, float]:
        return left + (right - left) * across(step), bottom - (bottom - top) * up(value)

    levels = [(place(curve.steps[0], tick)[1], tick) for tick in up.ticks]
    columns = [(place(tick, up.low)[0], tick) for tick in across.ticks]
    lines = "".join(f"M{left} {y:.1f}H{right}" for y, _ in levels)
    words = [
        Markup('<text x="{:.0f}" y="{}">{}</text>').format(x, bottom + 15, _number(t)) for x, t in columns
    ]
    heights = [
        Markup('<text x="{}" y="{:.0f}">{}</text>').format(left - 6, y + 4, _number(t)) for y, t in levels
    ]
    parts = [
        Markup('<path class="rule" d="{}"/>').format(lines),
        Markup("<g>{}</g>").format(Markup("").join(words)),
        Markup('<g class="up">{}</g>').format(Markup("").join(heights)),
        *_drawn(curve, place),
    ]
    return _svg(title, 300, 142, parts)


def sparkline(title: str, steps: np.ndarray, values: np.ndarray) -> Markup:
    """The means alone, as small as a word of a table, without axes."""
    curve = _binned(steps, values, FEW)
    if curve is None:
        return Markup("")
    across, up = linear_axis(*curve.span), fitting_axis(curve.means)
    places = zip(curve.steps, curve.means, strict=True)
    return _svg(title, 144, 30, [_line([(2 + 140 * across(x), 28 - 26 * up(y)) for x, y in places])])


class _Curve(NamedTuple):
    """Means, least and largest values of bins; span: from the first to the last step."""

    steps: list[float]
    means: list[float]
    lows: list[float]
    highs: list[float]
    span: tuple[float, float]


def _binned(steps: np.ndarray, values: np.ndarray, most: int = BINS) -> _Curve | None:
    """What is finite, in up to so many bins; None where nothing is."""
    finite = np.isfinite(values)
    steps, values = steps[finite], values[finite]
    if len(steps) == 0:
        return None
    bins = np.array_split(np.arange(len(steps)), min(most, len(steps)))
    at, means, lows, highs = (
        [float(reduce(of[b])) for b in bins]
        for reduce, of in ((np.mean, steps), (np.mean, values), (np.min, values), (np.max, values))
    )
    return _Curve(at, means, lows, highs, (float(steps.min()), float(steps.max())))


def _drawn(curve: _Curve, place: Callable[[float, float], tuple[float, float]]) -> list[Markup]:
    """The curve over its band, if that is wider than nothing."""

    def points(values: Sequence[float]) -> list[tuple[float, float]]:
        return [place(step, value) for step, value in zip(curve.steps, values, strict=True)]

    line = _line(points(curve.means))
    if curve.lows == curve.highs:
        return [line]
    around = points(curve.highs) + points(curve.lows)[::-1]
    return [Markup('<path class="band" d="{}z"/>').format(_path(around)), line]


def _line(points: Sequence[tuple[float, float]]) -> Markup:
    return Markup('<path class="curve" d="{}"/>').format(_path(points))


def _path(points: Sequence[tuple[float, float]]) -> str:
    """To a unit across and a tenth of one upwards, relative to the point before: few bytes."""
    places = [(round(x), round(10 * y)) for x, y in points]
    moves = ((x - a, y - b) for (a, b), (x, y) in pairwise(places))
    text = " ".join(f"{x} {_tenth(y)}" for x, y in moves).replace(" -", "-")
    return f"M{places[0][0]} {_tenth(places[0][1])}" + (f"l{text}" if text else "")


def _tenth(count: int) -> str:
    """3 -> ".3", -25 -> "-2.5", 40 -> "4"."""
    return f"{count / 10:g}".replace("0.", ".", 1) if abs(count) < 10 else f"{count / 10:g}"


def _svg(title: str, width: float, height: float, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">').format(width, height, title)
    return head + Markup("").join(parts) + Markup("</svg>")


def _nice(step: float) -> float:
    power = 10.0 ** floor(log10(step))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= step * (1 - 1e-9))


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")
