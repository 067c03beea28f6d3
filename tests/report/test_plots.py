"""Laws of the plots: points lie where the numbers are, lead to their runs, and say nothing that the numbers deny."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import altair
import pytest
import yaml
from test_report import EVERYTHING, controls, page, rate, run, score

from genbench.report import RunResult
from genbench.report.dots import row_plots
from genbench.report.dvc_plots import templates
from genbench.report.figures import figures, points_csv
from genbench.report.plots import Plot, plots
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
    dot = r'<a href="#run-digits-(m\d)"><title>.*?</title><(?:path|circle) transform="translate\(([\d.]+),([\d.]+)\)'
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
        assert b"var(--" not in content  # colours of the page
        if name.endswith(".svg"):
            assert b"href=" not in content and content.startswith(b"<svg xmlns")
        else:
            assert json.loads(content)["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
            drawn = altair.Chart.from_json(content.decode())
            assert isinstance(drawn, altair.LayerChart)  # as docs/report.md does


def test_only_who_draws_pays_for_the_library() -> None:
    code = "import sys, genbench.stages.report; print('altair' in sys.modules, 'vl_convert' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_run_that_is_not_finite_is_left_out() -> None:
    runs = [*SIX, system("lost", float("inf"))]
    assert "lost" not in {point["run"] for point in points(of(runs)["quality-novelty"])}
    assert of(EVERYTHING)["quality-novelty"].told


def test_every_plot_of_the_page_is_one_for_dvc() -> None:
    """The templates that lie in .dvc/plots are what the code gives, and draw the points that the report writes."""
    import vl_convert

    lying = Path(__file__).parents[2] / ".dvc/plots"
    assert {name: (lying / name).read_bytes() for name in templates()} == templates(), (
        "write them anew, as docs/report.md says"
    )
    points = list(csv.DictReader(io.StringIO(points_csv(SIX))))
    for name, content in templates().items():
        assert (
            name.removesuffix(".json")
            in yaml.safe_load((lying / "../../dvc.yaml").read_text())["plots"].__repr__()
        )
        own = [point for point in points if f"{point['plot']}.json" == name]
        spec = json.loads(content)
        spec["data"]["values"] = [
            {**point, "rev": rev, "x": float(point["x"]) + shift}
            for point in points
            for rev, shift in (("a", 0), ("b", 1))
        ]
        svg = vl_convert.vegalite_to_svg(json.dumps(spec))
        assert svg.count('aria-roledescription="point"') == 2 * len(own)
        assert svg.count('aria-roledescription="line mark"') == len(own)  # from the one revision to the other
    assert {point["plot"] for point in points} == {"quality-novelty", "quality-size", "precision-recall"}


def test_points_are_those_of_the_plots() -> None:
    points = list(csv.DictReader(io.StringIO(points_csv(SIX))))
    found = {
        (point["run"], float(point["x"]), float(point["y"]))
        for point in points
        if point["plot"] == "precision-recall"
    }
    drawn = {
        (str(each["run"]), each["x"], each["y"])
        for each in of(SIX)["precision-recall"].spec["data"]["values"]
    }
    assert found == drawn and len(found) == 6


def test_rows_stand_in_their_order_with_a_line_at_what_is_ideal() -> None:
    runs = [*SIX, *controls()]
    rows = by_dataset(runs)["digits"]
    slugs = {each.name: each.name for each in runs}
    quality, copies = row_plots(rows, slugs)
    dot = (
        r'<a href="#run-([^"]*)"><title>.*?</title><(?:path|circle) transform="translate\(([\d.]+),([\d.]+)\)'
    )
    places = [(name, float(x), float(y)) for name, x, y in re.findall(dot, str(quality.svg))]
    assert [name for name, _, _ in places] == [row.name for row in rows]
    assert [y for _, _, y in places] == sorted(y for _, _, y in places)
    assert [x for _, x, _ in places[:6]] == sorted(
        x for _, x, _ in places[:6]
    )  # the better, the further left
    real = next(x for name, x, _ in places if name == "digits-real")
    (dashed,) = re.findall(r'<line transform="translate\(([\d.]+),[^>]*stroke-dasharray', str(quality.svg))
    assert float(dashed) == pytest.approx(real, abs=0.6)
    assert "by construction" in copies.told
    assert row_plots(by_dataset([run("digits-a", "latent/a", {}, {})])["digits"], {}) == []
