"""What an axis of a plot shows: a number of every row, its interval, and which way is better."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Literal, NamedTuple

from genbench.report.results import Row
from genbench.report.svg import is_wide, log_axis, rate_axis
from genbench.report.table import column
from genbench.report.text import minus
from genbench.scoring.catalogue import SCORES

Scale = Literal["linear", "log", "sqrt"]  # of Vega-Lite
TICKS: dict[str, Callable[[float, float], list[float]]] = {  # none: as the library chooses
    "linear": lambda low, high: [],
    "log": lambda low, high: log_axis(low, high).ticks,
    "sqrt": lambda low, high: [tick for tick in rate_axis().ticks if tick <= high],
}


class Value(NamedTuple):
    """One row's value as the axis shows it, its interval, and both in words."""

    value: float
    low: float
    high: float
    told: str


class Quantity(NamedTuple):
    """What an axis shows. values: by name of the row.  better: which way is; below an ideal value nothing is gained."""

    title: str
    short: str
    values: Mapping[str, Value]
    better: Literal["up", "down"] | float
    scale: Scale


def of_score(name: str | None, rows: Sequence[Row]) -> Quantity | None:
    """A score of these rows; None where none has it."""
    if name is None or not any(name in row.estimates for row in rows):
        return None
    score, shown = SCORES[name], column(name, SCORES[name], rows)
    values = {}
    for row in rows:
        e = row.estimates.get(name)
        if e and isfinite(e.value):
            low, high = (score.scale * x if isfinite(x) else score.scale * e.value for x in e.interval)
            told = minus(f"{score.label} {shown.value(row)} {shown.interval(row)}".strip())
            values[row.name] = Value(score.scale * e.value, low, high, told)
    scale = (
        "sqrt"
        if score.unit == "%" and name == "copy_rate"
        else axis_scale([v.value for v in values.values()])
    )
    better = score.scale * score.better if isinstance(score.better, float | int) else score.better or "down"
    return Quantity(score.header, score.label, values, better, scale)


def of_parameters(rows: Sequence[Row]) -> Quantity:
    counts = {row.name: row.runs[0].parameters for row in rows if not row.control}
    values = {name: Value(n, n, n, f"{n:,} parameters") for name, n in counts.items() if n}
    return Quantity(
        "free parameters", "parameters", values, "down", axis_scale([v.value for v in values.values()])
    )


def systems_with(of: Quantity, rows: Sequence[Row]) -> int:
    return sum(not row.control and row.name in of.values for row in rows)


def gain(of: Quantity, row: Row) -> float:
    """The larger the better; below an ideal value nothing is gained."""
    value = of.values[row.name].value
    if isinstance(of.better, str):
        return value if of.better == "up" else -value
    return -max(value - of.better, 0.0)


def axis_scale(values: Sequence[float]) -> Scale:
    """Of Vega-Lite."""
    return "log" if values and is_wide(min(values), max(values)) else "linear"


def _domain(values: Sequence[float], scale: Scale) -> tuple[float, float]:
    """A little more than the values span; shares of a square-root axis start at zero."""
    low, high = min(values), max(values)
    if scale == "log":
        room = (high / low) ** 0.06
        return low / room, high * room
    room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return (0.0 if scale == "sqrt" else low - room), high + room


def axis(values: Sequence[float], title: str, kind: Scale) -> dict[str, Any]:
    """Scale and axis of Altair, for these values and the ends of their intervals."""
    import altair as alt  # half a second, which only who draws pays

    low, high = _domain(values, kind)
    ticks = TICKS[kind](low, high)
    shown: dict[str, Any] = {"values": ticks} if ticks else {"tickCount": 5}
    if high >= 1e4:
        shown["format"] = "~s"
    scale = alt.Scale(type=kind, domain=[low, high], nice=False, clamp=True, zero=False)
    return {"scale": scale, "axis": alt.Axis(title=title, **shown)}
