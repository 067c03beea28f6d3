"""The headline numbers outside the page: csv, GitHub markdown and plain text for a terminal."""

import csv
import io
import re
import textwrap
from collections.abc import Sequence
from itertools import accumulate
from math import isnan

from genbench.report.absent import Absent
from genbench.report.agreement import METHOD, agreement
from genbench.report.results import Row, RunResult, divided_seeds, runs_of, short_name
from genbench.report.table import MISSING, Column, by_dataset, columns, scores_of
from genbench.report.verdict import Judgement, assess
from genbench.report.weak import warning

NAMED = 4  # names that a sentence holds before it counts the rest
TERMINAL_WIDTH = 110
TERMINAL_NAME = 28  # columns for a run's name
VERDICT_NOTES = {
    "passed": "The controls came out right: verdicts count.",
    "failed": "THE CONTROLS CAME OUT WRONG: no novelty verdict.",
    "missing": "No novelty verdict: control runs are missing",
    "idle": "No novelty verdict: in this kind of data new elements repeat old ones in any case.",
}
NOTE = (
    "The best of several models is bold where no other is within noise of it; else there is no single winner, and † "
    "marks the best value and those within noise of it: over all pairs of models in a column the chance that any equal "
    "two are told apart is at most 5 % (Holm). A row of one seed is never bold where others have several. "
    "± is half the width of the 95 % interval, of what this trained model is expected to score with so many samples "
    "against so many held-out elements, both drawn anew, or, with sd, the standard deviation over seeds around their "
    "mean. "
    "A value after ≤ is an upper bound. "
    "Columns with → have an ideal value and no winner."
)


def csv_table(runs: Sequence[RunResult]) -> str:
    """One line per run with raw numbers: value, low, high and n of every score; empty where missing.

    Intervals are those of the run alone. Seeds of one row of the tables have the same `system`.
    """
    names = [name for name, _ in scores_of(runs)]
    datasets = by_dataset(runs)
    verdicts = {k: v for rows in datasets.values() for k, v in assess(rows).verdicts.items()}
    systems = {run.name: row.name for rows in datasets.values() for row in rows for run in row.runs}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    facts = ["run", "system", "dataset", "model", "control", "seed", "n", "held_out", "likelihood", "verdict"]
    scores = [f"{name}{part}" for name in names for part in ("", "_low", "_high", "_n")]
    writer.writerow([*facts, *scores, "parameters", "weights_sha256", "extractor_sha256"])
    for run in runs:
        m, found = run.metrics, run.estimates
        row = [
            run.name,
            systems[run.name],
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
                [None if x is None or isnan(x) else x for x in found[name][:4]]
                if name in found
                else [None] * 4
            )
        writer.writerow([*row, run.parameters, run.weights_sha256, m["extractor"]])
    return out.getvalue()


def markdown_tables(runs: Sequence[RunResult], absent: Sequence[Absent] = ()) -> str:
    """One GitHub table per dataset, value ± half-width, or mean ± standard deviation over seeds."""
    blocks = ["# Headline scores", NOTE]
    blocks += [escape_markdown(f"{run.name}: {run.why}") for run in absent]
    for dataset, rows in by_dataset(runs).items():
        cols, judgement = columns(rows), assess(rows)
        header = ["run", *(escape_markdown(c.score.header) for c in cols), "verdict"]
        lines = [_pipes(header), _pipes(["---", *["---:"] * len(cols), "---"])]
        for row in rows:
            verdict = judgement.of(row) or MISSING
            lines.append(_pipes([_markdown_name(row), *(_markdown_cell(c, row) for c in cols), verdict]))
        facts = f"{escape_markdown(describe(rows))}. {escape_markdown(verdict_note(judgement))}"
        warnings = map(escape_markdown, cautions(rows))
        blocks += [f"## {escape_markdown(dataset)}", facts, "\n".join(lines), *warnings]
        blocks += _markdown_agreement(rows)
    return "\n\n".join(blocks) + "\n"


def terminal_table(runs: Sequence[RunResult], absent: Sequence[Absent] = ()) -> str:
    """Plain text of at most 110 columns, one block per dataset; scores by importance while they fit."""
    if not runs and not absent:
        return "There are no runs."
    grouped = by_dataset(runs)
    blocks = []
    for dataset in dict.fromkeys([*grouped, *(run.dataset for run in absent)]):
        block = _terminal_block(dataset, grouped[dataset]) if dataset in grouped else [dataset]
        lacking = [f"{short_name(run.name, dataset)}  {run.why}" for run in absent if run.dataset == dataset]
        blocks.append("\n".join([*block, *map(_wrapped, lacking)]))
    return "\n\n".join(
        [
            *blocks,
            "* best beyond noise; † best or within noise of it: no single winner; ± half the 95 % interval,\n"
            "or sd, the standard deviation over seeds",
        ]
    )


def _terminal_block(dataset: str, rows: Sequence[Row]) -> list[str]:
    judgement = assess(rows)
    lines = _terminal_lines(rows, judgement)
    width = max(map(len, lines))
    controls = sum(row.control is not None for row in rows)
    if 0 < controls < len(rows):
        lines.insert(len(lines) - controls, "·" * width)
    lines.insert(1, "─" * width)
    title = shorten(f"{dataset}: {describe(rows)}", TERMINAL_WIDTH)
    added = missing_lines(judgement, dataset)
    if added:
        added.insert(0, "To add under runs in params.yaml:")
    return [title, "", *lines, "", verdict_note(judgement), *added, *map(_wrapped, cautions(rows))]


def cautions(rows: Sequence[Row]) -> list[str]:
    """What to know of a section before its scores: a weak extractor, seeds that are no seeds of one entry."""
    weak = warning(rows)
    return [*([weak] if weak else []), *divided_seeds(rows)]


def verdict_note(judgement: Judgement) -> str:
    """What the verdicts rest on; where controls are missing, which."""
    note = VERDICT_NOTES[judgement.state]
    return f"{note}: {', '.join(judgement.missing)}." if judgement.state == "missing" else note


def missing_lines(judgement: Judgement, dataset: str) -> list[str]:
    """The entries of `runs` in params.yaml that would add the missing controls."""
    if judgement.state != "missing":
        return []
    return [
        f"  {dataset}-{name}: {{dataset: {dataset}, model: controls/{name}}}" for name in judgement.missing
    ]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, TERMINAL_WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def describe(rows: Sequence[Row]) -> str:
    """N, held-out images, folds and seeds of a dataset's runs, each value once."""
    facts = {"N": "n", "held-out": "held_out", "folds": "folds", "seed": "seed"}
    values = {
        label: dict.fromkeys(str(run.metrics.get(key, MISSING)) for run in runs_of(rows))
        for label, key in facts.items()
    }
    return ", ".join(f"{label} {' / '.join(found)}" for label, found in values.items())


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """ "a", "a and b", "a, b and 3 more"."""
    shown = [*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def minus(text: str) -> str:
    """Numbers with a true minus sign."""
    return re.sub(r"-(?=\d)", "−", text)


def shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def escape_markdown(text: str) -> str:
    """Text as GitHub shows it literally, also inside a table."""
    entities = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    return re.sub(r"[\\`*_{}\[\]<>|#~$&]", lambda m: entities.get(m[0], "\\" + m[0]), " ".join(text.split()))


def _pipes(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_name(row: Row) -> str:
    return escape_markdown(row.title) + (" (control)" if row.control else "")


def _markdown_cell(column: Column, row: Row) -> str:
    value, spread = column.value(row), column.spread(row)
    value = f"**{value}**" if row.name == column.best else value
    return value + (f" ± {spread}" if spread else "") + (" †" if row.name in column.tied else "")


def _markdown_agreement(rows: Sequence[Row]) -> list[str]:
    """The Fréchet distances by extractor, and a small table of τ for the models and for all rows."""
    found = agreement(rows)
    if found is None:
        return []
    names = [escape_markdown(column.name) for column in found.columns]
    lines = [_pipes(["run", *names]), _pipes(["---", *["---:"] * len(names)])]
    lines += [
        _pipes([_markdown_name(row), *(_markdown_cell(c, row) for c in found.columns)]) for row in found.rows
    ]
    about = (
        "Fréchet distance, each column in the features of another extractor; the first gives the FID above."
    )
    blocks = ["### Do the extractors agree?", about, "\n".join(lines)]
    for ranking in found.rankings:
        lines = [_pipes(["τ-b", *names[:-1]]), _pipes(["---", *["---:"] * len(names[:-1])])]
        for name, taus in zip(names[1:], ranking.taus, strict=True):
            cells = [f"{e.value:z.2f} [{e.low:z.2f}, {e.high:z.2f}]" if e else MISSING for e in taus]
            lines.append(_pipes([name, *cells, *[""] * (len(names) - 1 - len(cells))]))
        blocks += [f"Rank agreement over {ranking.of}, N {ranking.n}:", "\n".join(lines)]
    blocks += [escape_markdown(found.warning)] if found.warning else []
    return [*blocks, METHOD] if found.rankings else blocks


def _terminal_lines(rows: Sequence[Row], judgement: Judgement) -> list[str]:
    """Header and rows, padded; the first column and the verdicts always fit."""
    found = {c.name: c for c in columns(rows)}
    order = sorted(found, key=lambda name: found[name].score.rank)
    labels = [shorten(row.label, TERMINAL_NAME) + f" ({row.seeds})" * bool(row.seeds) for row in rows]
    names = _pad(["run", *labels], "<")
    verdicts = _pad(["verdict", *(judgement.of(row) or MISSING for row in rows)], "<")
    scores = [_pad([found[n].score.header, *(_terminal_cell(found[n], r) for r in rows)], ">") for n in order]
    room = TERMINAL_WIDTH - len(names[0]) - len(verdicts[0]) - 2
    fitting = [
        c for c, used in zip(scores, accumulate(len(c[0]) + 2 for c in scores), strict=True) if used <= room
    ]
    return ["  ".join(cells).rstrip() for cells in zip(names, *fitting, verdicts, strict=True)]


def _terminal_cell(column: Column, row: Row) -> str:
    spread = column.spread(row)
    mark = "*" if row.name == column.best else "†" if row.name in column.tied else " "
    return f"{column.value(row)}{f' ±{spread}' if spread else ''}{mark}"


def _pad(cells: list[str], align: str) -> list[str]:
    width = max(map(len, cells))
    return [f"{cell:{align}{width}}" for cell in cells]
