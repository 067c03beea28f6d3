"""The headline numbers outside the page: csv, GitHub markdown and plain text for a terminal."""

import csv
import io
import re
from collections.abc import Sequence
from itertools import accumulate
from math import isnan

from genbench.report.results import RunResult
from genbench.report.table import MISSING, Column, by_dataset, columns
from genbench.report.verdict import Judgement, judge

TERMINAL_WIDTH = 110
TERMINAL_NAME = 28  # columns for a run's name
TERMINAL_ORDER = ["fid", "copy_rate", "bits_per_dim", "precision", "recall", "coverage", "density"]
VERDICT_NOTES = {
    "passed": "The controls came out right: verdicts count.",
    "failed": "THE CONTROLS CAME OUT WRONG: no novelty verdict.",
    "missing": "No novelty verdict: control runs are missing.",
}
NOTE = (
    "Best model in bold; † marks models whose 95 % interval overlaps the best's. "
    "± is half the width of the 95 % interval. A value after ≤ is an upper bound. "
    "Columns with → have an ideal value and no winner."
)


def csv_table(runs: Sequence[RunResult]) -> str:
    """One line per run with raw numbers: value, low, high and n of every score; empty where missing."""
    names = [column.name for column in columns(runs)]
    verdicts = {k: v for rows in by_dataset(runs).values() for k, v in judge(rows).verdicts.items()}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    facts = ["run", "dataset", "model", "control", "seed", "n", "held_out", "likelihood", "verdict"]
    scores = [f"{name}{part}" for name in names for part in ("", "_low", "_high", "_n")]
    writer.writerow([*facts, *scores, "parameters", "weights_sha256", "extractor_sha256"])
    for run in runs:
        m, found = run.metrics, run.estimates
        row = [
            run.name,
            run.dataset,
            run.model,
            int(run.control is not None),
            m["seed"],
            m["n"],
            m["held_out"],
        ]
        row += [m.get("likelihood"), verdicts.get(run.name)]
        for name in names:
            row += (
                [None if x is None or isnan(x) else x for x in found[name]] if name in found else [None] * 4
            )
        writer.writerow([*row, run.parameters, run.weights_sha256, m["extractor"]])
    return out.getvalue()


def markdown_tables(runs: Sequence[RunResult]) -> str:
    """One GitHub table per dataset, value ± half-width."""
    blocks = ["# Headline scores", NOTE]
    for dataset, rows in by_dataset(runs).items():
        cols, judgement = columns(rows), judge(rows)
        header = ["run", *(escape_markdown(c.score.header) for c in cols), "verdict"]
        lines = [_pipes(header), _pipes(["---", *["---:"] * len(cols), "---"])]
        for run in rows:
            name = escape_markdown(run.label) + (" (control)" if run.control else "")
            verdict = judgement.verdicts.get(run.name, MISSING)
            lines.append(_pipes([name, *(_markdown_cell(c, run) for c in cols), verdict]))
        facts = f"{escape_markdown(describe(rows))}. {VERDICT_NOTES[judgement.state]}"
        blocks += [f"## {escape_markdown(dataset)}", facts, "\n".join(lines)]
    return "\n\n".join(blocks) + "\n"


def terminal_table(runs: Sequence[RunResult]) -> str:
    """Plain text of at most 110 columns, one block per dataset; scores by importance while they fit."""
    if not runs:
        return "There are no runs."
    blocks = []
    for dataset, rows in by_dataset(runs).items():
        judgement = judge(rows)
        lines = _terminal_lines(rows, judgement)
        width = max(map(len, lines))
        controls = sum(run.control is not None for run in rows)
        if 0 < controls < len(rows):
            lines.insert(len(lines) - controls, "·" * width)
        lines.insert(1, "─" * width)
        title = shorten(f"{dataset}: {describe(rows)}", TERMINAL_WIDTH)
        blocks.append("\n".join([title, "", *lines, "", VERDICT_NOTES[judgement.state]]))
    return "\n\n".join(
        [*blocks, "* best model, † 95 % interval overlaps the best's; ± half the interval's width"]
    )


def describe(rows: Sequence[RunResult]) -> str:
    """N, held-out images, folds and seeds of a dataset's runs, each value once."""
    facts = {"N": "n", "held-out": "held_out", "folds": "folds", "seed": "seed"}
    values = {
        label: dict.fromkeys(str(r.metrics.get(key, MISSING)) for r in rows) for label, key in facts.items()
    }
    return ", ".join(f"{label} {' / '.join(found)}" for label, found in values.items())


def shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def escape_markdown(text: str) -> str:
    """Text as GitHub shows it literally, also inside a table."""
    entities = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    return re.sub(r"[\\`*_{}\[\]<>|#~$&]", lambda m: entities.get(m[0], "\\" + m[0]), " ".join(text.split()))


def _pipes(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_cell(column: Column, run: RunResult) -> str:
    value, half = column.value(run), column.half_width(run)
    value = f"**{value}**" if run.name in column.best else value
    return value + (f" ± {half}" if half else "") + (" †" if run.name in column.tied else "")


def _terminal_lines(rows: Sequence[RunResult], judgement: Judgement) -> list[str]:
    """Header and rows, padded; the first column and the verdicts always fit."""
    found = {c.name: c for c in columns(rows)}
    order = [
        *(name for name in TERMINAL_ORDER if name in found),
        *(name for name in found if name not in TERMINAL_ORDER),
    ]
    names = _pad(["run", *(shorten(run.label, TERMINAL_NAME) for run in rows)], "<")
    verdicts = _pad(["verdict", *(judgement.verdicts.get(run.name, MISSING) for run in rows)], "<")
    scores = [_pad([found[n].score.header, *(_terminal_cell(found[n], r) for r in rows)], ">") for n in order]
    room = TERMINAL_WIDTH - len(names[0]) - len(verdicts[0]) - 2
    fitting = [
        c for c, used in zip(scores, accumulate(len(c[0]) + 2 for c in scores), strict=True) if used <= room
    ]
    return ["  ".join(cells).rstrip() for cells in zip(names, *fitting, verdicts, strict=True)]


def _terminal_cell(column: Column, run: RunResult) -> str:
    half = column.half_width(run)
    mark = "*" if run.name in column.best else "†" if run.name in column.tied else " "
    return f"{column.value(run)}{f' ±{half}' if half else ''}{mark}"


def _pad(cells: list[str], align: str) -> list[str]:
    width = max(map(len, cells))
    return [f"{cell:{align}{width}}" for cell in cells]
