"""One number of every row of a table, with its interval and a line at what is ideal, in the order of the table."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from genbench.report.charts import CONFIG, WIDTH, in_page
from genbench.report.plots import Plot, dots, kind_of_row, kinds_of, marks
from genbench.report.quantities import Quantity, Scale, Value, axis, of_score
from genbench.report.results import Row
from genbench.report.table import leading
from genbench.report.text import shorten
from genbench.scoring.catalogue import SCORES

PITCH, NAMES = 17, 130  # pixels from line to line, and for their names
LETTERS = 20  # of a name
MARGIN = {"left": NAMES, "right": 14, "top": 6, "bottom": 40}


class Line(NamedTuple):
    """kind: of `plots.KINDS`.  href: where the point leads, if anywhere.  value: None leaves the line empty."""

    label: str
    kind: str
    href: str | None
    value: Value | None


def row_plots(rows: Sequence[Row], slugs: Mapping[str, str]) -> list[Plot]:
    """Quality and novelty of one dataset's rows, each where some row has it."""
    quality, copies = of_score(leading(rows), rows), of_score("copy_rate", rows)
    found = []
    if quality and quality.values:
        real = [
            quality.values[row.name].value
            for row in rows
            if row.control == "real" and row.name in quality.values
        ]
        where = "dashed: real held-out data" if real else ""
        found.append(_of(quality, "quality", where, rows, slugs, real[0] if real else None))
    if copies and copies.values:
        ideal = 100 * float(SCORES["copy_rate"].better or 0)
        where = f"square-root axis; dashed: {ideal:g} % by construction"
        found.append(_of(copies, "copies", where, rows, slugs, ideal))
    return found


def lined(
    name: str, caption: str, told: str, title: str, scale: Scale, lines: Sequence[Line], dashed: float | None
) -> Plot:
    """The plot.  title: of the axis.  dashed: where a line stands across all of them."""
    points = [
        {
            "run": shorten(line.label, LETTERS),
            "kind": line.kind,
            "at": i,
            **({"href": line.href} if line.href else {}),
            **(
                {
                    "told": line.value.told,
                    "x": line.value.value,
                    "x_low": line.value.low,
                    "x_high": line.value.high,
                }
                if line.value
                else {}
            ),
        }
        for i, line in enumerate(lines)
    ]
    spec = _spec(points, title, scale, dashed)
    return Plot(name, caption, told, in_page(spec, f"{caption}, row by row"), spec, kinds_of(points))


def _of(
    of: Quantity, name: str, where: str, rows: Sequence[Row], slugs: Mapping[str, str], dashed: float | None
) -> Plot:
    lines = [
        Line(
            row.label,
            kind_of_row(row),
            f"#run-{slugs.get(row.runs[0].name, '')}",
            value._replace(told=f"{row.title}: {value.told}") if (value := of.values.get(row.name)) else None,
        )
        for row in rows
    ]
    return lined(name, of.short, where, of.title, of.scale, lines, dashed)


def _spec(points: list[dict[str, Any]], title: str, scale: Scale, dashed: float | None) -> dict[str, Any]:
    import altair as alt  # half a second, which only who draws pays

    present = [point for point in points if "x" in point]
    ends = [
        point[key]
        for point in present
        for key in ("x", "x_low", "x_high")
        if scale != "log" or point[key] > 0
    ]
    across = axis([*ends, *([dashed] if dashed is not None else [])], title, scale)
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[len(points) - 0.5, -0.5], nice=False, zero=False))
    names, base = alt.Chart(alt.Data(values=points)), alt.Chart(alt.Data(values=present))
    layers = [
        names.mark_text(align="right", baseline="middle", fontSize=10, limit=0, fill="var(--text)").encode(
            x=alt.value(-8), y=y, text="run:N"
        ),
        base.mark_rule(opacity=0.5).encode(
            x=alt.X("x_low:Q", **across),
            x2="x_high:Q",
            y=y,
            color=alt.Color("kind:N", scale=marks(points)[0], legend=None),
        ),
        dots(base, points, alt.X("x:Q", **across), y),
    ]
    if dashed is not None:
        line = alt.Chart(alt.Data(values=[{"x": dashed}]))
        layers.insert(
            0, line.mark_rule(strokeDash=[3, 3], color="var(--text)").encode(x=alt.X("x:Q", **across))
        )
    chart = alt.layer(*layers).properties(
        width=WIDTH, height=PITCH * len(points), padding=MARGIN, autosize=alt.AutoSizeParams(type="none")
    )
    spec: dict[str, Any] = {**chart.to_dict(validate=False), "config": CONFIG}
    return spec
