"""Every system against every question: what a mark says is what was measured, and it leads to where that stands."""

from __future__ import annotations

import re
from typing import Any

from test_report import EVERYTHING, controls, page, rate, run, score

from genbench.report import RunResult
from genbench.report.matrix import Mark, matrix
from genbench.report.table import by_dataset
from genbench.report.verdict import assess


def marks(runs: list[RunResult]) -> dict[str, dict[str, Mark]]:
    """By label of the row and question."""
    rows = by_dataset(runs)["digits"]
    found = matrix(rows, assess(rows))
    assert found is not None
    return {
        row.label: {q: mark for q, mark in zip(found.questions, found.marks[row.name], strict=True) if mark}
        for row in rows
        if not row.control
    }


def system(name: str, precision: float = 0.8, seed: int = 0, **metrics: Any) -> RunResult:
    scores = {"fid": score(2.0), "precision": score(precision, 0.02)}
    found = run(name, "latent/vae", scores, {"copy_rate": rate(0.012, 0.006, 0.022)}, seed=seed)
    found.metrics.update(metrics)
    return found


def test_verdicts_places_and_sizes_have_marks() -> None:
    found = marks(EVERYTHING)
    assert [found[name]["new?"].text for name in ("vae", "made", "gan")] == ["novel", "copies", "suspicious"]
    assert [found[name]["new?"].tone for name in ("vae", "made", "gan")] == ["pass", "fail", "doubt"]
    assert found["gan"]["same distribution?"] == Mark("3 of 3", "", "scores", 3)
    assert found["vae"]["same distribution?"].tone == "pass"
    assert "collapsed?" not in found["vae"] and "smooth? (largest step)" not in found["vae"]  # asked of none


def test_of_several_seeds_the_worst_is_told() -> None:
    collapse = [{"verdict": verdict} for verdict in ("diverse", "collapsed", "diverse")]
    seeds = [system(f"digits-a-s{i}", seed=i, collapse=found) for i, found in enumerate(collapse)]
    for each in seeds:
        each.entry["seed"] = each.metrics["seed"]
    alone = system("digits-b", collapse={"verdict": "diverse"})
    alone.entry["hidden"] = 5
    found = marks([*seeds, alone, *controls()])
    assert found["a"]["collapsed?"] == Mark("collapsed", "fail", "collapse")
    assert found["b"]["collapsed?"] == Mark("diverse", "pass", "collapse")


def test_precision_is_held_against_held_out_data() -> None:
    real = run("digits-real", "controls/real", {"fid": score(1.0), "precision": score(0.85, 0.02)}, {})
    others = [each for each in controls() if each.control != "real"]
    for precision, tone in ((0.84, "pass"), (0.7, "doubt"), (0.99, "pass")):
        (mark,) = (
            found["meaningful? (precision)"]
            for found in marks([system("digits-a", precision), real, *others]).values()
        )
        assert (mark.text, mark.tone) == (f"{precision:.2f}", tone)
    (bare,) = marks([system("digits-a", 0.7)]).values()
    assert bare["meaningful? (precision)"].tone == ""  # nothing to hold it against


def test_a_training_that_oscillates_and_a_walk_that_jumps_are_told() -> None:
    measured = {"largest step of a walk": {**score(3.5, 0.5), "better": "down", "meaning": "m"}}
    wild = system("digits-a", dynamics={"scores": {"verdict": "oscillates"}}, measures=measured)
    rows = by_dataset([wild, *controls()])["digits"]
    found = matrix(rows, assess(rows))
    assert found is not None
    by_question = dict(zip(found.questions, found.marks["digits-a"], strict=True))
    assert by_question["oscillating?"] == Mark("oscillates", "fail", "course")
    assert by_question["smooth? (largest step)"] == Mark("3.5", "", "measures", 3.5)
    assert matrix([row for row in rows if row.control], assess(rows)) is None


def test_marks_lead_to_their_evidence() -> None:
    html = page(EVERYTHING)
    table = html[html.index('aria-label="Answers on digits"') :].split("</table>", 1)[0]
    targets = set(re.findall(r'class="mark[^"]*" href="#([^"]+)"', table))
    assert {"controls-digits", "scores-digits", "run-digits-vae"} <= targets
    assert all(f'id="{target}"' in html for target in targets)
