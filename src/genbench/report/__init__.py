"""The comparison report: one self-contained page and the headline numbers as csv, markdown and LaTeX."""

from collections.abc import Sequence

from genbench.report.absent import Absent
from genbench.report.figures import points_csv
from genbench.report.latex import latex_tables
from genbench.report.page import html_page
from genbench.report.results import DatasetResult, RunResult
from genbench.report.text import csv_table, markdown_tables, terminal_table

__all__ = ["DatasetResult", "RunResult", "render", "terminal_table"]


def render(
    runs: Sequence[RunResult], datasets: Sequence[DatasetResult], absent: Sequence[Absent] = ()
) -> dict[str, bytes]:
    """File name -> content. Pure: the same results give the same bytes on any day, in any process."""
    contents = {
        "index.html": html_page(runs, datasets, absent),
        "headline.csv": csv_table(runs),
        "headline.md": markdown_tables(runs, absent),
        "headline.tex": latex_tables(runs),
        "points.csv": points_csv(runs),
    }
    return {name: text.encode() for name, text in contents.items()}
