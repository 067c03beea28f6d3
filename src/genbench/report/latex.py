"""The headline numbers as LaTeX tables with booktabs."""

import re
from collections.abc import Sequence

from genbench.report.results import Row, RunResult
from genbench.report.table import Column, by_dataset, columns
from genbench.report.text import NOTE, describe
from genbench.report.weak import warning
from genbench.scoring.catalogue import Score

SCORES_ABREAST = 4  # as many as fit a text width of 345 pt

SPECIAL = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # a row may start with it, where a row end would take it for its argument
    "]": "{]}",
    "*": "{*}",
    "–": "--",
    "⁻³": "$^{-3}$",
    "†": r"$^{\dagger}$",
    **{
        c: f"$\\{name}$"
        for c, name in zip(
            "±×≤↑↓→", ["pm", "times", "leq", "uparrow", "downarrow", "rightarrow"], strict=True
        )
    },
    "−": "$-$",
}


def latex_tables(runs: Sequence[RunResult]) -> str:
    """Tables for a paper, a few scores each; needs booktabs and nothing else."""
    blocks = [r"% \usepackage{booktabs}"]
    for dataset, rows in by_dataset(runs).items():
        cols = columns(rows)
        warned = f"{said} " if (said := warning(rows)) else ""
        for first in range(0, len(cols), SCORES_ABREAST):
            name = f"{re.sub(r'[^A-Za-z0-9]+', '-', dataset)}-{first // SCORES_ABREAST + 1}"
            blocks.append(
                _table(
                    f"{dataset}: {describe(rows)}. {warned}{NOTE}", name, rows, cols[first:][:SCORES_ABREAST]
                )
            )
    return "\n\n".join(blocks) + "\n"


def escape_latex(text: str) -> str:
    """Text that LaTeX prints literally."""
    return re.sub("|".join(map(re.escape, SPECIAL)), lambda m: SPECIAL[m[0]], " ".join(text.split()))


def _table(caption: str, name: str, rows: Sequence[Row], cols: Sequence[Column]) -> str:
    body: dict[bool, list[str]] = {False: [], True: []}  # controls apart, below
    for row in rows:
        cells = [escape_latex(row.title), *(_cell(column, row) for column in cols)]
        body[row.control is not None].append(" & ".join(cells) + r" \\")
    lines = [
        r"\begin{table}",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{escape_latex(caption)}}}\smallskip",
        rf"\label{{tab:{name}}}",
        rf"\begin{{tabular}}{{l{'r' * len(cols)}}}",
        r"\toprule",
        " & ".join(["run", *(_header(column.score) for column in cols)]) + r" \\",
    ]
    for part in filter(None, body.values()):
        lines += [r"\midrule", *part]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


def _header(score: Score) -> str:
    """A narrow cell: the name in up to two lines, and below it unit and direction."""
    lower = " ".join(part for part in (score.unit and f"[{score.unit}]", score.arrow) if part)
    lines = r" \\ ".join(escape_latex(line) for line in (*score.label.split(" ", 1), lower))
    return rf"\begin{{tabular}}[b]{{@{{}}r@{{}}}}{lines}\end{{tabular}}"


def _cell(column: Column, row: Row) -> str:
    value, spread = escape_latex(column.value(row).replace("-", "−")), column.spread(row)
    value = rf"\textbf{{{value}}}" if row.name == column.best else value
    dagger = escape_latex("†") if row.name in column.tied else ""
    return value + dagger + (rf" {{\tiny$\pm${spread}}}" if spread else "")
