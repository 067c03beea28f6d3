"""Are the report's marks the same whichever seeds of the systems are trained?

    cd benchmarks/seeds; snakemake --cores 2 && python ../marks.py

Of every system of the folder's params.yaml that has more seeds than `--seeds`, so many are chosen at random, and the
table's columns are marked anew, as the report marks them.  Printed, for each score: the share of choices with the set
of marks that most of them have; that set; and of the choices with a single winner the share in which it is the best
over all seeds.  The last line is of all columns together.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from genbench.params.schema import load
from genbench.report.results import Row, RunResult
from genbench.report.table import Column, by_dataset, columns
from genbench.scoring.catalogue import QUALITY
from genbench.stages.report import results

Marks = tuple[str | None, frozenset[str]]


def chosen(row: Row, seeds: int, rng: np.random.Generator) -> tuple[RunResult, ...]:
    """So many runs of a row, or all that it has."""
    if len(row.runs) <= seeds:
        return row.runs
    return tuple(row.runs[i] for i in sorted(rng.choice(len(row.runs), seeds, replace=False)))


def marked(rows: list[Row]) -> dict[str, Marks]:
    return {each.name: (each.best, each.tied) for each in columns(rows, (QUALITY,)) if each.best or each.tied}


def said(marks: Marks) -> str:
    best, tied = marks
    return f"**{best}**" if best else f"† {', '.join(sorted(tied))}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choices", type=int, default=400)
    given = parser.parse_args()
    runs, absent = results(load(Path("params.yaml")))
    if absent:
        parser.error(f"{absent[0].name} has no results here; expected a build: snakemake --cores 2")
    for dataset, rows in by_dataset(runs).items():
        print(f"\n### {dataset}\n")
        print_table(rows, given.seeds, given.choices)


def print_table(rows: list[Row], seeds: int, choices: int) -> None:
    rng = np.random.default_rng(0)
    found = [marked([Row(row.name, chosen(row, seeds, rng)) for row in rows]) for _ in range(choices)]
    print(f"{choices} choices of {seeds} seeds of {max(len(row.runs) for row in rows)}")
    print("| score | same marks | which | winner is the best over all seeds |\n|---|---|---|---|")
    shown = [each for each in columns(rows, (QUALITY,)) if any(each.name in marks for marks in found)]
    for column in shown:
        counted = Counter(each.get(column.name, (None, frozenset())) for each in found)
        most, times = counted.most_common(1)[0]
        winners = [best for best, _ in counted.elements() if best]
        true = best_mean(column, rows)
        right = f"{np.mean([winner == true for winner in winners]):.2f} of {len(winners)}" if winners else "–"
        print(f"| {column.name} | {times / len(found):.2f} | {said(most)} | {right} |")
    whole = Counter(tuple(each.get(column.name) for column in shown) for each in found).most_common(1)[0][1]
    print(f"| all together | {whole / len(found):.2f} | | |")


def best_mean(column: Column, rows: list[Row]) -> str:
    """The model whose mean over all its seeds is best."""
    means = {
        row.name: row.estimates[column.name].value
        for row in rows
        if not row.control and column.name in row.estimates
    }
    return (max if column.score.better == "up" else min)(means, key=lambda row: means[row])


if __name__ == "__main__":
    main()
