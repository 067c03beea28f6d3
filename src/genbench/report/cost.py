"""What the runs took, as it was measured: a companion of the report, which says nothing that differs by the day."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from genbench.drawing.pages import templates
from genbench.report.anchors import slugs_of
from genbench.report.plots import Pair, Plot, against
from genbench.report.quantities import Quantity, Value, axis_scale, of_score
from genbench.report.results import Row, RunResult
from genbench.report.table import MISSING, by_dataset, leading
from genbench.report.text import escape_markdown

DRAWN = 1000  # samples for which the time of drawing is told


class Cost(NamedTuple):
    """Seconds of the clock and of the processor of one run's training and of drawing DRAWN samples; None: not measured.

    memory: the largest of this process in MiB while it trained.  machine: device and processor.
    """

    run: RunResult
    seconds: float | None
    cpu_seconds: float | None
    images_per_second: float | None
    draw_seconds: float | None
    draw_cpu_seconds: float | None
    memory: float | None
    threads: int | None
    machine: str


HEADERS = {
    "seconds": "training [s]",
    "cpu_seconds": "of the processor [s]",
    "images_per_second": "elements/s",
    "draw_seconds": f"{DRAWN:,} samples [s]",
    "draw_cpu_seconds": "of the processor, drawing [s]",
    "memory": "peak memory [MiB]",
    "threads": "threads",
    "machine": "machine",
}


class Section(NamedTuple):
    """One dataset: its runs, the cheapest training first, and quality against cost."""

    name: str
    costs: list[Cost]
    plots: list[Plot]
    told: str


def cost_of(run: RunResult, record: Mapping[str, Any]) -> Cost:
    """record: what the run's `timing.json` says."""
    train, drawn = _part(record, "train"), _part(record, "sample")
    share = DRAWN / drawn["n"] if drawn.get("n") else None
    where = [
        str(found[key]) for found in (train or drawn,) for key in ("device", "gpu", "machine") if key in found
    ]
    return Cost(
        run,
        train.get("seconds"),
        train.get("cpu_seconds"),
        train.get("images_per_second") or None,
        drawn["seconds"] * share if share else None,
        drawn["cpu_seconds"] * share if share else None,
        train.get("peak_memory_mib"),
        train.get("threads"),
        ", ".join(where),
    )


def companions(runs: Sequence[RunResult], records: Mapping[str, Mapping[str, Any]]) -> dict[str, bytes]:
    """File name -> content: the costs as a page, csv and markdown.  records: by name of the run."""
    costs = {run.name: cost_of(run, records.get(run.name, {})) for run in runs}
    slugs = slugs_of([run.name for run in runs])
    sections = [_section(name, rows, costs, slugs) for name, rows in by_dataset(runs).items()]
    page = templates("genbench.report").get_template("cost.html")
    html = page.render(
        scripts=("sort",),
        sections=[s for s in sections if s.costs],
        headers=HEADERS,
        slugs=slugs,
        shown=shown,
    )
    contents = {
        "cost.html": html,
        "cost.csv": cost_csv(costs.values()),
        "cost.md": cost_markdown(costs.values()),
    }
    return {name: text.encode() for name, text in contents.items()}


def cost_csv(costs: Iterable[Cost]) -> str:
    """One line a run, raw numbers; empty where nothing was measured."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run", "dataset", "model", "parameters", *HEADERS])
    for cost in costs:
        run = cost.run
        writer.writerow(
            [run.name, run.dataset, run.model, run.parameters, *(getattr(cost, key) for key in HEADERS)]
        )
    return out.getvalue()


def cost_markdown(costs: Iterable[Cost]) -> str:
    lines = [["run", "parameters", *HEADERS.values()], ["---", *["---:"] * len(HEADERS), "---"]]
    for cost in costs:
        own = [shown(cost.run.parameters), *(shown(getattr(cost, key)) for key in HEADERS)]
        lines.append([escape_markdown(cost.run.name), *own])
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"# What the runs took\n\n{table}\n"


def shown(value: float | str | None) -> str:
    """Three digits, with separators above a thousand."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def terminal_costs(costs: Sequence[Cost]) -> str:
    """Lines for a terminal, the most expensive training first."""
    keys = ("cpu_seconds", "seconds", "draw_cpu_seconds", "memory")
    table = [["run", "parameters", "CPU s", "s", f"CPU s / {DRAWN:,}", "MiB"]]
    for cost in sorted(costs, key=lambda cost: -(cost.cpu_seconds or 0)):
        table.append(
            [cost.run.name, shown(cost.run.parameters), *(shown(getattr(cost, key)) for key in keys)]
        )
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for name, *numbers in table:
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *cells]))
    where = "; ".join(sorted({cost.machine for cost in costs if cost.machine})) or "nothing was trained here"
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:], "", f"Measured on: {where}"])


def _section(name: str, rows: Sequence[Row], costs: Mapping[str, Cost], slugs: Mapping[str, str]) -> Section:
    own = [costs[run.name] for row in rows if not row.control for run in row.runs]
    own = sorted((c for c in own if c.seconds is not None), key=lambda cost: cost.cpu_seconds or 0)
    quality = of_score(leading(rows), rows)
    pairs = (
        (
            "quality-training",
            "Does a longer training give better samples?",
            "cpu_seconds",
            "training [CPU s]",
        ),
        (
            "quality-drawing",
            "Are good samples slow to draw?",
            "draw_cpu_seconds",
            f"drawing {DRAWN:,} samples [CPU s]",
        ),
    )
    plots = [
        _to_report(plot)
        for file, caption, key, title in pairs
        if quality
        and (plot := against(Pair(file, caption, _quantity(key, title, rows, costs), quality), rows, slugs))
    ]
    return Section(name, own, plots, _told(own))


def _to_report(plot: Plot) -> Plot:
    """Its points lead into the report's page."""
    return plot._replace(svg=Markup(str(plot.svg).replace('href="#', 'href="index.html#')))


def _quantity(key: str, title: str, rows: Sequence[Row], costs: Mapping[str, Cost]) -> Quantity:
    """A mean over the seeds of each row, from the least to the most of them."""
    values, what = {}, title.split(" [", maxsplit=1)[0]
    for row in rows:
        measured = [getattr(costs[run.name], key) for run in row.runs if not row.control]
        found = [
            max(seconds, 1e-3) for seconds in measured if seconds is not None
        ]  # 1 ms: as the clock is rounded
        if found:
            mean = sum(found) / len(found)
            values[row.name] = Value(mean, min(found), max(found), f"{what} {shown(mean)} CPU s")
    return Quantity(title, what, values, "down", axis_scale([value.value for value in values.values()]))


def _told(costs: Sequence[Cost]) -> str:
    """costs: the cheapest training first."""
    if not costs:
        return ""
    total, longest = sum(cost.cpu_seconds or 0 for cost in costs), costs[-1]
    count = f"{len(costs)} trainings took" if len(costs) > 1 else "One training took"
    most = f", {longest.run.label} the most of them ({shown(longest.cpu_seconds)})" if len(costs) > 1 else ""
    said = f"{count} {shown(total)} seconds of the processor{most}."
    drawing = {cost.run.label: cost.draw_cpu_seconds for cost in costs if cost.draw_cpu_seconds is not None}
    if not drawing:
        return said
    slowest = max(drawing, key=lambda name: drawing[name])
    return f"{said} Slowest to draw from is {slowest}: {shown(drawing[slowest])} s for {DRAWN:,} samples."


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = record.get(name)
    return found if isinstance(found, dict) else {}
