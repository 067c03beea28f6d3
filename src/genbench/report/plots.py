"""One number of every system against another: quality against novelty, likelihood, size; precision against recall."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Literal, NamedTuple

from markupsafe import Markup

from genbench.report.anchors import slugs_of
from genbench.report.charts import CONFIG, HEIGHT, MARGIN, WIDTH, in_page, on_paper
from genbench.report.findings import LIKELIHOODS
from genbench.report.overview import BRANCHES, branch_of
from genbench.report.results import Row, RunResult
from genbench.report.svg import log_axis, rate_axis
from genbench.report.table import by_dataset, column, leading
from genbench.report.text import listed, minus
from genbench.scoring.catalogue import SCORES
from genbench.storage.files import json_bytes

FEWEST = 5  # systems of which a rank correlation is told
CONTROLS = "Controls"
KINDS = (*BRANCHES, "From elsewhere", CONTROLS)
TICKS: dict[str, Callable[[float, float], list[float]]] = {  # none: as the library chooses
    "linear": lambda low, high: [],
    "log": lambda low, high: log_axis(low, high).ticks,
    "sqrt": lambda low, high: [tick for tick in rate_axis().ticks if tick <= high],
}
SPAN = 20  # positive values that span more stand on a logarithmic axis


Scale = Literal["linear", "log", "sqrt"]  # of Vega-Lite


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


class Plot(NamedTuple):
    """name: of its file.  told: what it shows, in a sentence.  kinds: the colours that occur, by their numbers."""

    name: str
    caption: str
    told: str
    svg: Markup
    spec: dict[str, Any]
    kinds: list[tuple[int, str]]


def plots(rows: Sequence[Row], slugs: Mapping[str, str]) -> list[Plot]:
    """Of one dataset, those for which two systems have both numbers. slugs: run -> its anchor in the page."""
    quality = of_score(leading(rows), rows)
    likely = next(
        (found for name in LIKELIHOODS if (found := of_score(name, rows)) and _systems(found, rows) > 1), None
    )
    pairs = (
        ("quality-novelty", "Is quality bought with copies?", quality, of_score("copy_rate", rows)),
        ("quality-likelihood", "Do good samples and a good likelihood go together?", quality, likely),
        ("quality-size", "Is quality a matter of size?", of_parameters(rows), quality),
        (
            "precision-recall",
            "Is it good, and is it all there?",
            of_score("recall", rows),
            of_score("precision", rows),
        ),
    )
    drawn = (against(name, caption, x, y, rows, slugs) for name, caption, x, y in pairs if x and y)
    return [plot for plot in drawn if plot]


def figures(runs: Sequence[RunResult]) -> dict[str, bytes]:
    """File name -> content: of every plot an SVG for papers, and its specification for whoever draws it otherwise."""
    slugs, found = slugs_of([run.name for run in runs]), {}
    datasets = by_dataset(runs)
    places = slugs_of(list(datasets))
    for dataset, rows in datasets.items():
        for plot in plots(rows, slugs):
            stem = f"figures/{places[dataset]}-{plot.name}"
            found[f"{stem}.svg"] = on_paper(plot.spec)
            found[f"{stem}.vl.json"] = json_bytes(plot.spec)
    return found


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


def against(
    name: str, caption: str, x: Quantity, y: Quantity, rows: Sequence[Row], slugs: Mapping[str, str]
) -> Plot | None:
    """A point for each row that has both; None where fewer than two systems have."""
    both = [row for row in rows if row.name in x.values and row.name in y.values]
    if sum(not row.control for row in both) < 2:
        return None
    kinds = {row.name: CONTROLS if row.control else branch_of(row.model) for row in both}
    points = [
        {
            "run": row.label,
            "kind": kinds[row.name],
            "href": f"#run-{slugs.get(row.runs[0].name, '')}",
            "told": f"{row.title}: {x.values[row.name].told}; {y.values[row.name].told}",
            **{f"x{part}": v for part, v in zip(("", "_low", "_high"), x.values[row.name][:3], strict=True)},
            **{f"y{part}": v for part, v in zip(("", "_low", "_high"), y.values[row.name][:3], strict=True)},
        }
        for row in both
    ]
    spec = _spec(points, x, y)
    title = f"{y.short} against {x.short}"
    present = [(i, kind) for i, kind in enumerate(KINDS) if kind in kinds.values()]
    return Plot(name, caption, _told(both, x, y), in_page(spec, title), spec, present)


def _spec(points: list[dict[str, Any]], x: Quantity, y: Quantity) -> dict[str, Any]:
    import altair as alt  # half a second, which only who draws pays

    def axis(field: str, of: Quantity) -> dict[str, Any]:
        low, high = _domain([point[field] for point in points], of.scale)
        scale = alt.Scale(type=of.scale, domain=[low, high], nice=False, clamp=True, zero=False)
        ticks = TICKS[of.scale](low, high)
        shown: dict[str, Any] = {"values": ticks} if ticks else {"tickCount": 5}
        if high >= 1e4:
            shown["format"] = "~s"
        return {"scale": scale, "axis": alt.Axis(title=of.title, **shown)}

    across, up = axis("x", x), axis("y", y)
    present = [(i, kind) for i, kind in enumerate(KINDS) if any(p["kind"] == kind for p in points)]
    colours = alt.Scale(domain=[kind for _, kind in present], range=[f"var(--kind-{i})" for i, _ in present])
    shapes = alt.Scale(
        domain=colours.domain, range=["diamond" if kind == CONTROLS else "circle" for _, kind in present]
    )
    colour = alt.Color("kind:N", scale=colours, legend=None)
    base = alt.Chart(alt.Data(values=points))
    bars = [
        base.mark_rule(opacity=0.35).encode(
            x=alt.X("x_low:Q", **across), x2="x_high:Q", y=alt.Y("y:Q", **up), color=colour
        ),
        base.mark_rule(opacity=0.35).encode(
            x=alt.X("x:Q", **across), y=alt.Y("y_low:Q", **up), y2="y_high:Q", color=colour
        ),
    ]
    dots = base.mark_point(filled=True, size=46, opacity=1, stroke="var(--page)", strokeWidth=0.8).encode(
        x=alt.X("x:Q", **across),
        y=alt.Y("y:Q", **up),
        fill=alt.Fill("kind:N", scale=colours, legend=None),
        shape=alt.Shape("kind:N", scale=shapes, legend=None),
        href="href:N",
        description="told:N",
    )
    chart = alt.layer(*bars, dots).properties(
        width=WIDTH, height=HEIGHT, padding=MARGIN, autosize=alt.AutoSizeParams(type="none")
    )
    spec: dict[str, Any] = {**chart.to_dict(validate=False), "config": CONFIG}
    return spec


def _told(rows: Sequence[Row], x: Quantity, y: Quantity) -> str:
    """Who is on the front, and whether the two numbers rank the systems alike."""
    systems = [row for row in rows if not row.control]
    places = {row.name: (_gain(x, row), _gain(y, row)) for row in systems}
    front = [
        row.label
        for row in systems
        if not any(
            a >= places[row.name][0] and b >= places[row.name][1] and (a, b) != places[row.name]
            for a, b in places.values()
        )
    ]
    said = f"No other system is at least as good in both: {listed(front)}."
    if len(systems) < FEWEST or any(len(set(gains)) == 1 for gains in zip(*places.values(), strict=True)):
        return said
    from scipy.stats import spearmanr

    found = spearmanr([a for a, _ in places.values()], [b for _, b in places.values()])
    likely = "could be chance" if found.pvalue > 0.05 else "more than chance"
    sure = "p < 0.001" if found.pvalue < 1e-3 else f"p = {found.pvalue:.2g}"
    rho = f"ρ = {found.statistic:z.2f} over {len(systems)} systems ({sure}, {likely})"
    return said + minus(f" Better in one goes with better in the other at Spearman's {rho}.")


def _gain(of: Quantity, row: Row) -> float:
    value = of.values[row.name].value
    if isinstance(of.better, str):
        return value if of.better == "up" else -value
    return -max(value - of.better, 0.0)


def _systems(of: Quantity, rows: Sequence[Row]) -> int:
    return sum(not row.control and row.name in of.values for row in rows)


def axis_scale(values: Sequence[float]) -> Scale:
    """Of Vega-Lite."""
    return "log" if values and min(values) > 0 and max(values) / min(values) > SPAN else "linear"


def _domain(values: Sequence[float], scale: Scale) -> tuple[float, float]:
    """A little more than the values span; shares of a square-root axis start at zero."""
    low, high = min(values), max(values)
    if scale == "log":
        room = (high / low) ** 0.06
        return low / room, high * room
    room = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return (0.0 if scale == "sqrt" else low - room), high + room
