"""One number of every system against another: quality against novelty, likelihood, size; precision against recall."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from genbench.report.charts import CONFIG, HEIGHT, MARGIN, WIDTH, in_page
from genbench.report.findings import LIKELIHOODS
from genbench.report.overview import BRANCHES, ELSEWHERE, branch_of
from genbench.report.quantities import Quantity, axis, gain, of_parameters, of_score, systems_with
from genbench.report.results import Row
from genbench.report.table import leading
from genbench.report.text import listed, minus

FEWEST = 5  # systems of which a rank correlation is told
CONTROLS = "Controls"
KINDS = (*BRANCHES, ELSEWHERE, CONTROLS)


class Plot(NamedTuple):
    """name: of its file.  told: what it shows, in a sentence.  kinds: the colours that occur, by their numbers."""

    name: str
    caption: str
    told: str
    svg: Markup
    spec: dict[str, Any]
    kinds: list[tuple[int, str]]


class Pair(NamedTuple):
    """Two numbers to hold against each other, and the question that this answers."""

    name: str
    caption: str
    x: Quantity
    y: Quantity


def plots(rows: Sequence[Row], slugs: Mapping[str, str]) -> list[Plot]:
    """Of one dataset, those for which two systems have both numbers. slugs: run -> its anchor in the page."""
    return [plot for pair in pairs(rows) if (plot := against(pair, rows, slugs))]


def pairs(rows: Sequence[Row]) -> list[Pair]:
    """What of one dataset can be held against each other."""
    quality = of_score(leading(rows), rows)
    likely = next(
        (found for name in LIKELIHOODS if (found := of_score(name, rows)) and systems_with(found, rows) > 1),
        None,
    )
    asked = (
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
    return [Pair(name, caption, x, y) for name, caption, x, y in asked if x and y]


def against(pair: Pair, rows: Sequence[Row], slugs: Mapping[str, str]) -> Plot | None:
    """A point for each row that has both numbers; None where fewer than two systems have."""
    points = points_of(pair, rows, slugs)
    if not points:
        return None
    shown = [row for row in rows if row.name in pair.x.values and row.name in pair.y.values]
    spec = _spec(points, pair.x, pair.y)
    title = f"{pair.y.short} against {pair.x.short}"
    return Plot(
        pair.name, pair.caption, _told(shown, pair.x, pair.y), in_page(spec, title), spec, kinds_of(points)
    )


def points_of(pair: Pair, rows: Sequence[Row], slugs: Mapping[str, str]) -> list[dict[str, Any]]:
    """The data of a plot: what each point is, where it stands and how sure that is; none for fewer than two systems."""
    both = [row for row in rows if row.name in pair.x.values and row.name in pair.y.values]
    if sum(not row.control for row in both) < 2:
        return []
    points = []
    for row in both:
        x, y = pair.x.values[row.name], pair.y.values[row.name]
        points.append(
            {
                "run": row.label,
                "kind": kind_of_row(row),
                "href": f"#run-{slugs.get(row.runs[0].name, '')}",
                "told": f"{row.title}: {x.told}; {y.told}",
                **{"x": x.value, "x_low": x.low, "x_high": x.high},
                **{"y": y.value, "y_low": y.low, "y_high": y.high},
            }
        )
    return points


def kind_of_row(row: Row) -> str:
    """The part of the zoo's tree that its colour stands for."""
    return CONTROLS if row.control else branch_of(row.model)


def kinds_of(points: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """The kinds that occur, with the numbers of their colours."""
    found = {point["kind"] for point in points}
    return [(i, kind) for i, kind in enumerate(KINDS) if kind in found]


def marks(points: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """How the kinds of points look: the colours and the shapes of Altair's scales."""
    import altair as alt  # half a second, which only who draws pays

    present = kinds_of(points)
    names = [kind for _, kind in present]
    colours = alt.Scale(domain=names, range=[f"var(--kind-{i})" for i, _ in present])
    shapes = alt.Scale(domain=names, range=["diamond" if kind == CONTROLS else "circle" for kind in names])
    return colours, shapes


def dots(base: Any, points: Sequence[Mapping[str, Any]], x: Any, y: Any) -> Any:
    """A layer of points that are links and say what they are."""
    import altair as alt

    colours, shapes = marks(points)
    return base.mark_point(filled=True, size=46, opacity=1, stroke="var(--page)", strokeWidth=0.8).encode(
        x=x,
        y=y,
        fill=alt.Fill("kind:N", scale=colours, legend=None),
        shape=alt.Shape("kind:N", scale=shapes, legend=None),
        href="href:N",
        description="told:N",
    )


def _spec(points: list[dict[str, Any]], x: Quantity, y: Quantity) -> dict[str, Any]:
    import altair as alt

    across = axis([point["x"] for point in points], x.title, x.scale)
    up = axis([point["y"] for point in points], y.title, y.scale)
    colour = alt.Color("kind:N", scale=marks(points)[0], legend=None)
    base = alt.Chart(alt.Data(values=points))
    at, height = alt.X("x:Q", **across), alt.Y("y:Q", **up)
    bars = base.mark_rule(opacity=0.35)
    chart = alt.layer(
        bars.encode(x=alt.X("x_low:Q", **across), x2="x_high:Q", y=height, color=colour),
        bars.encode(x=at, y=alt.Y("y_low:Q", **up), y2="y_high:Q", color=colour),
        dots(base, points, at, height),
    ).properties(width=WIDTH, height=HEIGHT, padding=MARGIN, autosize=alt.AutoSizeParams(type="none"))
    spec: dict[str, Any] = {**chart.to_dict(validate=False), "config": CONFIG}
    return spec


def _told(rows: Sequence[Row], x: Quantity, y: Quantity) -> str:
    """Who is on the front, and whether the two numbers rank the systems alike."""
    systems = [row for row in rows if not row.control]
    places = {row.name: (gain(x, row), gain(y, row)) for row in systems}
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
