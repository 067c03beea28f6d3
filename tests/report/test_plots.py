"""Laws of the plots: points lie where the numbers are, lead to their runs, and say nothing that the numbers deny."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from test_report import EVERYTHING, page, rate, run, score

from genbench.report import RunResult
from genbench.report.plots import Plot, figures, plots
from genbench.report.table import by_dataset

COPIES = {"copy_rate": rate(0.012, 0.006, 0.022)}


def of(runs: list[RunResult]) -> dict[str, Plot]:
    slugs = {each.name: each.name for each in runs}
    return {plot.name: plot for rows in by_dataset(runs).values() for plot in plots(rows, slugs)}


def system(name: str, fid: float, copies: float = 0.01, **scores: float) -> RunResult:
    found = {"fid": score(fid), **{key: score(value, 0.01) for key, value in scores.items()}}
    return run(
        f"digits-{name}", f"latent/{name}", found, {"copy_rate": rate(copies, 0.9 * copies, 1.1 * copies)}
    )


SIX = [system(f"m{i}", 2.0 + i, 0.3 - 0.05 * i, precision=0.1 * i, recall=0.9 - 0.1 * i) for i in range(6)]


def points(plot: Plot) -> list[dict[str, object]]:
    return list(plot.spec["data"]["values"])


def test_points_are_the_scores_with_their_intervals() -> None:
    found = {point["run"]: point for point in points(of(SIX)["precision-recall"])}
    assert found["m2"]["x"] == pytest.approx(0.7) and found["m2"]["y"] == pytest.approx(0.2)
    assert (found["m2"]["x_low"], found["m2"]["x_high"]) == (pytest.approx(0.69), pytest.approx(0.71))
    rates = {point["run"]: point["y"] for point in points(of(SIX)["quality-novelty"])}
    assert rates["m0"] == pytest.approx(30.0)  # percent


def test_a_better_point_lies_lower_and_leads_to_its_run() -> None:
    svg = str(of(SIX)["precision-recall"].svg)
    dot = r'<a href="#run-digits-(m\d)"><title>.*?</title><path transform="translate\(([\d.]+),([\d.]+)\)'
    places = {name: (float(x), float(y)) for name, x, y in re.findall(dot, svg)}
    assert set(places) == {f"m{i}" for i in range(6)}
    assert places["m5"][1] < places["m0"][1] and places["m5"][0] < places["m0"][0]  # y grows downwards


def test_the_front_and_the_correlation_are_told() -> None:
    told = of(SIX)["quality-novelty"].told
    assert "ρ = −1.00 over 6 systems" in told and "more than chance" in told
    assert "both: m0, m1, m2, m3 and 2 more." in told
    beaten = of([system("a", 1.0, 0.01), system("b", 2.0, 0.02)])["quality-novelty"].told
    assert beaten == "No other system is at least as good in both: a."


def test_below_chance_nothing_is_gained() -> None:
    """Both copy no more than the rule flags of new images: the one with the better samples is ahead in both."""
    told = of([system("a", 1.0, 0.009), system("b", 2.0, 0.001)])["quality-novelty"].told
    assert told == "No other system is at least as good in both: a."


def test_what_one_system_alone_has_is_no_plot() -> None:
    one = [system("a", 1.0, precision=0.5, recall=0.5), system("b", 2.0)]
    assert "precision-recall" not in of(one)
    assert "quality-novelty" in of(one)


def test_names_from_outside_are_text_in_the_plots_too() -> None:
    evil = [system("<img src=x onerror=alert(1)>", 1.0), system("b", 2.0)]
    html = page(evil)
    assert "<img src=x" not in html and "&lt;img src=x onerror" in html


def test_words_are_not_rounded() -> None:
    """What is shorter by the places of the points is shorter by nothing else."""
    small = [system(f"m{i}", 0.001 * 10**i, precision=0.1, recall=0.1) for i in range(4)]
    assert ">0.001</text>" in str(of(small)["quality-novelty"].svg)


def test_figures_need_no_page() -> None:
    found = figures(SIX)
    assert {"figures/digits-quality-novelty.svg", "figures/digits-precision-recall.vl.json"} <= set(found)
    for name, content in found.items():
        if name.endswith(".svg"):
            assert b"var(--" not in content and b"href=" not in content and content.startswith(b"<svg xmlns")
        else:
            assert json.loads(content)["$schema"].startswith("https://vega.github.io/schema/vega-lite/")


def test_only_who_draws_pays_for_the_library() -> None:
    code = "import sys, genbench.stages.report; print('altair' in sys.modules, 'vl_convert' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_run_that_is_not_finite_is_left_out() -> None:
    runs = [*SIX, system("lost", float("inf"))]
    assert "lost" not in {point["run"] for point in points(of(runs)["quality-novelty"])}
    assert of(EVERYTHING)["quality-novelty"].told
