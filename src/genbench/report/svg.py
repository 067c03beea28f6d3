"""Small charts as inline SVG: they take their colours from the page, light or dark, and load nothing."""

from collections.abc import Callable, Sequence
from math import ceil, floor, log10, sqrt
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from genbench.report.text import shorten

BINS = 60  # of a curve some 250 pixels wide


class Axis(NamedTuple):
    """Maps values to [0, 1] and knows its ticks."""

    low: float
    high: float
    warp: Callable[[float], float]
    ticks: list[float]

    def __call__(self, value: float) -> float:
        low, high = self.warp(self.low), self.warp(self.high)
        return (self.warp(min(max(value, self.low), self.high)) - low) / (high - low)


class Dot(NamedTuple):
    """One row of a dot plot; `value` None leaves the row empty."""

    label: str
    value: float | None
    low: float
    high: float
    control: bool
    shown: str


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


def fitting_axis(values: Sequence[float]) -> Axis:
    """Logarithmic where positive values span more than a factor of 20."""
    low, high = min(values), max(values)
    return log_axis(low, high) if low > 0 and high / low > 20 else linear_axis(low, high)


def dot_plot(title: str, dots: Sequence[Dot], axis: Axis, reference: float | None) -> Markup:
    """One row per run: value, 95 % interval, and a dashed line at the reference."""
    left, width, pitch, top = 128, 440, 20, 8
    bottom = top + pitch * len(dots)

    def x(value: float) -> float:
        return round(left + 8 + (width - left - 24) * axis(value), 1)

    parts = [_tick(x(t), top, bottom, t) for t in axis.ticks]
    if reference is not None:
        line = '<line class="reference" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
        parts.append(Markup(line).format(x(reference), top, bottom))
    parts += [_dot(dot, x, left, top + pitch * i + pitch / 2) for i, dot in enumerate(dots)]
    return _svg(title, width, bottom + 22, parts)


def line_chart(title: str, steps: np.ndarray, losses: np.ndarray) -> Markup:
    """Loss against step: the mean of up to BINS bins over the band from their smallest to largest value."""
    left, right, top, bottom = 46, 280, 8, 122
    finite = np.isfinite(losses)
    steps, losses = steps[finite], losses[finite]
    if len(steps) == 0:
        return Markup("")
    bins = np.array_split(np.arange(len(steps)), min(BINS, len(steps)))
    xs, ys, lows, highs = (
        np.array([reduce(values[b]) for b in bins])
        for reduce, values in ((np.mean, steps), (np.mean, losses), (np.min, losses), (np.max, losses))
    )
    across, up = (
        linear_axis(float(steps.min()), float(steps.max())),
        fitting_axis([*lows.tolist(), *highs.tolist()]),
    )

    def points(values: np.ndarray) -> list[str]:
        return [
            f"{left + (right - left) * across(s):.1f},{bottom - (bottom - top) * up(v):.1f}"
            for s, v in zip(xs.tolist(), values.tolist(), strict=True)
        ]

    band = " ".join([*points(highs), *reversed(points(lows))])
    parts = [_level(bottom - (bottom - top) * up(t), left, right, t) for t in up.ticks]
    for t in across.ticks:
        text = '<text x="{}" y="{}" text-anchor="middle">{}</text>'
        parts.append(
            Markup(text).format(round(left + (right - left) * across(t), 1), bottom + 15, _number(t))
        )
    parts.append(Markup('<polygon class="band" points="{}"/>').format(band))
    parts.append(Markup('<polyline class="curve" points="{}"/>').format(" ".join(points(ys))))
    return _svg(title, 300, 142, parts)


def _svg(title: str, width: float, height: float, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">').format(width, height, title)
    return head + Markup("").join(parts) + Markup("</svg>")


def _tick(x: float, top: float, bottom: float, value: float) -> Markup:
    return Markup(
        '<line class="rule" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>'
        '<text x="{0}" y="{3}" text-anchor="middle">{4}</text>'
    ).format(x, top, bottom, bottom + 15, _number(value))


def _level(y: float, left: float, right: float, value: float) -> Markup:
    return Markup(
        '<line class="rule" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>'
        '<text x="{3}" y="{4:.1f}" text-anchor="end">{5}</text>'
    ).format(left, right, y, left - 6, y + 4, _number(value))


def _dot(dot: Dot, x: Callable[[float], float], left: float, y: float) -> Markup:
    kind = "control" if dot.control else "model"
    label = Markup('<text class="{}" x="{}" y="{}" text-anchor="end">{}</text>').format(
        kind, left - 4, y + 4, shorten(dot.label, 20)
    )
    if dot.value is None:
        return label
    mark = Markup(
        '<g class="{}"><title>{}: {}</title><line x1="{}" x2="{}" y1="{y}" y2="{y}"/>'
        '<circle cx="{}" cy="{y}" r="3.5"/></g>'
    )
    return label + mark.format(kind, dot.label, dot.shown, x(dot.low), x(dot.high), x(dot.value), y=y)


def _nice(step: float) -> float:
    power = 10.0 ** floor(log10(step))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= step * (1 - 1e-9))


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")
