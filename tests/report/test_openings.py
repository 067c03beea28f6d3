"""The sentence that each part of a section starts with, in each of its readings."""

from __future__ import annotations

from typing import Any

from test_report import EVERYTHING, ORDERS, controls, models, page, ranked, rate, run, score

from genbench.report import RunResult
from genbench.report.agreement import agreement
from genbench.report.findings import findings
from genbench.report.openings import measured, openings
from genbench.report.results import measures_of
from genbench.report.table import by_dataset
from genbench.report.verdict import assess


def said(runs: list[RunResult], shares: dict[str, list[float]] | None = None) -> dict[str, str]:
    rows = by_dataset(runs)["digits"]
    judgement, agreed = assess(rows), agreement(rows)
    return openings(rows, judgement, agreed, shares or {}, [0.5, 0.5], findings(rows, judgement, agreed))


def system(name: str, **measures: tuple[float, float, str | None]) -> RunResult:
    """measures: value, half its interval, the better side."""
    found = run(f"digits-{name}", f"latent/{name}", {"fid": score(2.0)}, {"copy_rate": rate(0.01, 0.0, 0.02)})
    found.metrics["measures"] = {
        title.replace("__", ", "): {**score(value, half), "better": better, "meaning": "as said"}
        for title, (value, half, better) in measures.items()
    }
    return found


def sentences(*runs: RunResult) -> list[str]:
    return measured(measures_of(runs))


def test_a_part_gives_the_answer_to_its_question() -> None:
    two = [
        run(f"digits-{name}", f"latent/{name}", {"nll": score(nll)}, {})
        for name, nll in (("a", 95.5), ("b", 80.0))
    ]
    assert said([*two, *controls()])["likelihood"] == "b leads by NLL, 80.00, beyond noise."
    close = [
        run(f"digits-{name}", f"latent/{name}", {"nll": score(nll)}, {})
        for name, nll in (("a", 80.01), ("b", 80.0))
    ]
    assert said([*close, *controls()])["likelihood"].startswith("No single winner by NLL: b has 80.00")
    assert "likelihood" not in said(EVERYTHING) and "collapse" not in said(EVERYTHING)


def test_scores_that_cannot_tell_are_named() -> None:
    assert said([*models(), *controls()])["power"].startswith("All ")
    blind = controls(noise=rate(0.9, 0.88, 0.92))  # noise that looks like copies
    assert "not informative here: copy rate" in said([*models(), *blind])["power"]
    assert said([*models(), *blind])["copying"].startswith("No score can tell copies")


def test_a_doubt_about_copies_names_its_system() -> None:
    assert said(EVERYTHING)["copying"].endswith("raise a doubt about made and gan.")
    honest = run("digits-a", "latent/a", {"fid": score(3.0)}, {"copy_rate": rate(0.012, 0.006, 0.022)})
    assert said([honest, *controls()])["copying"].endswith("raise a doubt about no system.")


def test_extractors_agree_or_do_not() -> None:
    assert said(ranked(**ORDERS))["agreement"].startswith(
        "The ranking of the models depends on the extractor here"
    )
    alike = said(ranked(one=ORDERS["one"], two=ORDERS["two"]))["agreement"]
    assert alike.startswith("No two extractors clearly disagree: the smallest τ between two is 0.67")


def test_classes_that_are_not_there_are_told() -> None:
    pair = [run(f"digits-{name}", f"latent/{name}", {"fid": score(2.0)}, {}) for name in "ab"]
    even = said(pair, {"digits-a": [0.5, 0.5], "digits-b": [0.6, 0.4]})["histogram"]
    assert even.startswith("a is nearest") and "b is farthest from them (10.0 %)" in even
    assert even.endswith("Every system has every class.")
    lost = said(pair, {"digits-a": [0.5, 0.5], "digits-b": [1.0, 0.0]})["histogram"]
    assert lost.endswith("Without a sample of some class: b.") and "(50.0 %)" in lost


def test_a_measure_has_a_leader_only_where_its_interval_lies_apart() -> None:
    def three(*values: float) -> list[RunResult]:
        return [system(name, probe=(value, 0.02, "up")) for name, value in zip("abc", values, strict=True)]

    assert sentences(*three(0.9, 0.7, 0.6)) == [
        "probe: a leads with 0.9, its interval apart from all others."
    ]
    assert sentences(*three(0.7, 0.9, 0.89)) == [
        "probe: no single winner, b has 0.9, its interval overlaps with c."
    ]
    assert sentences(*three(0.9, 0.7, 0.6)[:2]) == []  # of two nothing is told
    control = run("digits-real", "controls/real", {}, {})
    control.metrics["measures"] = system("x", probe=(0.99, 0.02, "up")).metrics["measures"]
    assert sentences(*three(0.9, 0.7, 0.6), control)[0].startswith("probe: a leads")
    down = [
        system(name, error=(value, 0.02, "down")) for name, value in zip("abc", (0.9, 0.7, 0.5), strict=True)
    ]
    assert sentences(*down)[0].startswith("error: c leads with 0.5")
    bare: list[Any] = [
        system(name, error=(value, 0.0, "down")) for name, value in zip("abc", (9, 7, 5), strict=True)
    ]
    for each in bare:
        each.metrics["measures"]["error"] |= {"low": None, "high": None}
    assert sentences(*bare) == ["error: c has the best value, 5, without an interval."]


def test_a_measure_is_held_against_what_it_is_named_with() -> None:
    def against(*random: float) -> str:
        runs = [
            system(name, probe=(0.9 - i / 100, 0.02, "up"), probe__random=(value, 0.02, None))
            for i, (name, value) in enumerate(zip("abc", random, strict=True))
        ]
        (sentence,) = sentences(*runs)
        return sentence

    assert against(0.5, 0.6, 0.7).endswith("against random all 3 are better, beyond noise.")
    assert against(0.5, 0.95, 0.87).endswith("against random 1 of 3 are better, beyond noise; not b and c.")


def test_the_sentences_reach_the_page_before_their_tables() -> None:
    html = page(EVERYTHING)
    for title in ("What each score can tell here",):
        part = html[html.index(f"<h3>{title}</h3>") :]
        assert part.index('class="found"') < part.index("<table")
