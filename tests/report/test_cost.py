"""Laws of the costs: what was measured stands beside the report, and the report itself does not depend on it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from test_plots import SIX
from test_report import Elements

from genbench.report.cost import companions, cost_of, shown, terminal_costs


def record(cpu: float, drawn: float = 0.5, n: int = 500) -> dict[str, Any]:
    train = {"seconds": 2 * cpu, "cpu_seconds": cpu, "threads": 1, "device": "cpu", "machine": "Some CPU"}
    train |= {"images_per_second": 1000.0, "peak_memory_mib": 321.0}
    return {"train": train, "sample": {"n": n, "seconds": drawn, "cpu_seconds": drawn}}


RECORDS = {run.name: record(10.0 * (i + 1)) for i, run in enumerate(SIX)}


def test_the_time_of_drawing_is_told_for_a_thousand() -> None:
    cost = cost_of(SIX[0], record(1.0, drawn=0.5, n=250))
    assert cost.draw_cpu_seconds == 2.0 and cost.cpu_seconds == 1.0 and cost.machine == "cpu, Some CPU"


def test_the_companions_hold_every_number() -> None:
    found = companions(SIX, RECORDS)
    rows = list(csv.DictReader(io.StringIO(found["cost.csv"].decode())))
    assert [float(row["cpu_seconds"]) for row in rows] == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    html = found["cost.html"].decode()
    assert Elements(html).open == []
    assert "6 trainings took 210 seconds of the processor, m5 the most of them (60)." in html
    assert html.count('href="index.html#run-digits-m3"') == 3  # its row, and a point of two plots
    assert "Some CPU" in html and "| digits-m3 |" in found["cost.md"].decode()


def test_a_run_that_was_fetched_has_no_times() -> None:
    for records in ({}, {"digits-m0": {"train": 3, "sample": []}}):
        found = companions(SIX, records)  # type: ignore[arg-type]
        assert "No run of this report was trained here." in found["cost.html"].decode()
        assert "nothing was trained here" in terminal_costs([cost_of(run, {}) for run in SIX])


def test_the_terminal_names_the_most_expensive_first() -> None:
    lines = terminal_costs([cost_of(run, RECORDS[run.name]) for run in SIX]).splitlines()
    assert lines[2].split()[:3] == ["digits-m5", "12,345", "60"]
    assert lines[-1] == "Measured on: cpu, Some CPU"


def test_three_digits_are_enough() -> None:
    given = (None, "", 1234.56, 12.345, 0.01234, 3)
    assert [shown(value) for value in given] == ["–", "–", "1,235", "12.3", "0.0123", "3"]


def test_the_page_reads_no_times() -> None:
    sources = Path(companions.__code__.co_filename).parent
    readers = [
        path.name for path in sources.glob("*.py") if "timing" in path.read_text() and path.name != "cost.py"
    ]
    assert readers == []
