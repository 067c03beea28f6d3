"""What the page says of collapse and of trainings is what the records say."""

from typing import Any

import numpy as np
from test_report import run, score

from genbench.report import course, render
from genbench.report.findings import findings
from genbench.report.results import RunResult, rows_of
from genbench.report.verdict import assess
from genbench.scoring.dynamics import Moments, record_of

M, N = 64, 200


def recorded(name: str, period: float | None, collapse: dict[str, Any]) -> RunResult:
    """A run whose training settled, or went round with this period in moments."""
    rng = np.random.default_rng(0)
    turn = 0 if period is None else np.sin(2 * np.pi * np.arange(M) / period)
    modes = (rng.random((M, N)) < (0.5 + 0.4 * turn * np.ones(M))[:, None]).astype(np.int64)
    seen = Moments(
        10 * np.arange(M), modes, np.ones(modes.shape, bool), np.full(2, 0.5), 5 + 0.1 * rng.random(M)
    )
    made = run(name, "adversarial/gan", {"fid": score(7.0)}, {})
    made.metrics.update(dynamics=record_of(seen), collapse=collapse)
    return made


def asked(verdict: str, lost: list[int], support: float | None) -> dict[str, Any]:
    value = score(0.5)
    return {
        "verdict": verdict,
        "held": 10 - len(lost),
        "asked": 10,
        "lost": lost,
        "kl": 0.1,
        "recall": [0.25, None, 0.75],
        **dict.fromkeys(("vendi", "vendi_real", "alike", "alike_real", "support_real"), value),
        "support": score(support),
        "ndb": 0.25,
        "missing": 0.0,
        "bins": 39,
    }


RUNS = [
    recorded("digits-still", None, asked("diverse", [], None)),
    recorded("digits-round", 6.2, asked("drops classes", [3, 7], 2500.0)),
    recorded("digits-few", None, {"verdict": "collapsed", "held": 1, "asked": 8, "lost": [*range(7)]}),
]


def test_verdicts_and_numbers_stand_in_the_tables() -> None:
    still, turning, few = course.spreads(rows_of(RUNS))
    assert (still.verdict, still.held, still.lost, still.support) == ("diverse", "10 of 10", "", "∞ (0)")
    assert (turning.lost, turning.support, turning.recall) == ("3, 7", "2,500 (0)", "0.25 … 0.75")
    assert (few.verdict, few.vendi, few.alarming) == ("collapsed", "", True)
    settled, oscillating, _ = course.courses(rows_of(RUNS))
    assert (settled.verdict, settled.alarming) == ("converged", False)
    assert (oscillating.verdict, oscillating.alarming) == ("oscillates", True)
    assert oscillating.period.startswith("62 steps, g ")
    assert settled.modes == "2 − 2, of 2"
    assert 'class="curve"' in oscillating.chart


def test_the_answers_count_and_name() -> None:
    rows = rows_of(RUNS)
    found = {each.question: each for each in findings(rows, assess(rows), None)}
    collapse, settled = found["Did it collapse?"], found["Did the training settle?"]
    assert collapse.answer == "1 of 3 diverse; collapsed: few; drops classes: round."
    assert settled.answer == "2 of 3 converged; oscillates: round."
    assert collapse.alarming
    assert settled.alarming
    alone = rows_of(RUNS[:1])
    assert not any(each.alarming for each in findings(alone, assess(alone), None))


def test_the_page_shows_both_with_their_rules_and_a_run_its_charts() -> None:
    page = render(RUNS, [], [])["index.html"].decode()
    assert course.COLLAPSE_RULE.split(":")[0] in page
    assert page.count(">Did it collapse?</h3>") == page.count(">How the trainings went</h3>") == 1
    assert page.count("total variation from the moment before</figcaption>") == len(RUNS)
    plain = run("digits-old", "adversarial/gan", {"fid": score(7.0)}, {})
    assert "How the trainings went" not in render([plain], [], [])["index.html"].decode()


def test_columns_without_a_word_are_left_out() -> None:
    spreads = course.spreads(rows_of(RUNS))
    headers = {"held": "modes held", "vendi": "Vendi score"}
    assert course.present(spreads, headers) == headers
    few = [each for each in spreads if not each.vendi]
    assert few and course.present(few, headers) == {"held": "modes held"}


def test_the_overview_marks_who_collapsed_and_who_oscillates() -> None:
    found = {row.label: course.alarms(row) for row in rows_of(RUNS)}
    assert found["few"] == ["collapsed"] and "oscillates" in found["round"]
    assert any(not words for words in found.values())
    html = render(RUNS, [], [])["index.html"].decode()
    assert '<span class="hidden"> oscillates</span>' in html[: html.index('id="dataset-')]


def control(name: str, model: str, verdict: str, period: float | None, **options: Any) -> RunResult:
    made = recorded(name, period, asked(verdict, [], None))
    made.entry.update(model=f"controls/{model}", **options)
    return made


def test_rules_are_held_against_the_controls_planted_for_them() -> None:
    assert course.planted_answer(rows_of(RUNS)) is None
    right = [
        control("digits-one", "few_classes", "collapsed", None, classes=1),
        control("digits-seven", "few_classes", "drops classes", None, classes=7),
        control("digits-turns", "two_in_turns", "collapsed", 6.2),
    ]
    assert course.planted_answer(rows_of(right)) == (
        "The rules call controls what they are: one collapsed, seven drops classes, turns collapsed and "
        "the training of turns oscillates.",
        False,
    )
    assert course.course_answer(rows_of(right)) is None, "no system"
    wrong = [
        control("digits-seven", "few_classes", "diverse", None, classes=7),
        control("digits-turns", "two_in_turns", "collapsed", None),
    ]
    assert course.planted_answer(rows_of(wrong)) == (
        "The rules fail on controls: seven is called diverse, planted as drops classes and the training of turns is "
        "called converged, planted as oscillates.",
        True,
    )
