"""The plots of one number against another as templates for `dvc plots`: the same marks, a panel for each dataset.

`dvc plots show` fills them from `results/report/points.csv`; `dvc plots diff` draws a line from where a system stood to
where it stands.  They lie in .dvc/plots, one for each plot; docs/report.md says how they are written.
"""

from typing import Any, NamedTuple

from genbench.report.charts import AXIS, FONT, PAPER
from genbench.report.plots import KINDS
from genbench.storage.files import json_bytes

SIDE, COLUMNS = 230, 4  # pixels of a panel, and panels in a row


class Scales(NamedTuple):
    """Of Vega-Lite, for every dataset alike; symlog, since some distances are estimated as less than zero."""

    x: str
    y: str


OPTIONS: dict[str, dict[str, Any]] = {"symlog": {"constant": 1}, "sqrt": {"domainMin": 0}}
SCALES = {
    "quality-novelty": Scales("symlog", "sqrt"),
    "quality-likelihood": Scales("symlog", "linear"),
    "quality-size": Scales("log", "symlog"),
    "precision-recall": Scales("linear", "linear"),
}


def templates() -> dict[str, bytes]:
    """File name -> content, with the anchors that DVC fills in."""
    return {f"{name}.json": json_bytes(_template(name, scales)) for name, scales in SCALES.items()}


def _template(name: str, scales: Scales) -> dict[str, Any]:
    import altair as alt  # half a second, which only who draws pays

    colours = alt.Scale(domain=list(KINDS), range=[PAPER[f"var(--kind-{i})"] for i in range(len(KINDS))])
    colour = alt.Color("kind:N", scale=colours, title="", legend=alt.Legend(orient="bottom", labelLimit=0))

    def along(channel: Any, axis: str, part: str = "") -> Any:
        kind = getattr(scales, axis)
        scale = alt.Scale(type=kind, zero=False, **OPTIONS.get(kind, {}))
        return channel(
            field=axis + part, type="quantitative", scale=scale, title=f"<DVC_METRIC_{axis.upper()}_LABEL>"
        )

    x, y = along(alt.X, "x"), along(alt.Y, "y")
    base = alt.Chart().properties(width=SIDE, height=SIDE)
    bars, points = base.mark_rule(opacity=0.35), base.mark_point(filled=True, size=46, opacity=1)
    way = base.mark_line(opacity=0.5, color=PAPER["var(--soft)"], strokeWidth=1)
    tooltip = [alt.Tooltip(field=each, type="nominal") for each in ("run", "told", "rev")]
    chart = (
        alt.layer(
            bars.encode(x=along(alt.X, "x", "_low"), x2="x_high", y=y, color=colour),
            bars.encode(x=x, y=along(alt.Y, "y", "_low"), y2="y_high", color=colour),
            way.encode(x=x, y=y, detail="run:N", order="rev:N"),
            points.encode(
                x=x,
                y=y,
                color=colour,
                shape=alt.Shape("rev:N", title="", legend=alt.Legend(orient="bottom")),
                tooltip=tooltip,
            ),
            data=alt.Data(values="<DVC_METRIC_DATA>"),
        )
        .transform_filter(f"datum.plot == '{name}'")
        .facet(facet=alt.Facet("dataset:N", title=None, sort=[]), columns=COLUMNS)
        .resolve_scale(x="independent", y="independent")
        .properties(title="<DVC_METRIC_TITLE>")
    )
    axis = {key: PAPER.get(str(value), value) for key, value in AXIS.items()} | {"labelOverlap": True}
    return {**chart.to_dict(validate=False), "config": {"axis": axis, "font": FONT}}
