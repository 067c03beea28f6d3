"""Is a model's output new? A verdict is given only where the controls come out right."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from genbench.report.results import Estimate, RunResult

RULES: dict[str, tuple[str, Callable[[Estimate], bool]]] = {
    "real": ("interval reaches down to 1 %", lambda e: e.interval[0] <= 0.01),
    "copycat": ("rate ≥ 95 %", lambda e: e.value >= 0.95),
    "tenth_copycat": (
        "interval within 3 points of 10 %",
        lambda e: e.interval[0] <= 0.13 and e.interval[1] >= 0.07,
    ),
    "noise": ("rate ≤ 1 %", lambda e: e.value <= 0.01),
    "noisy_copycat": ("interval above 1 %", lambda e: e.interval[0] > 0.01),
}
REQUIRED = ("real", "copycat", "tenth_copycat", "noise")
VERDICTS: tuple[tuple[str, float, str], ...] = (  # the first whose bound the interval's low end exceeds
    ("copies", 0.5, "the interval lies above 50 %"),
    ("suspicious", 0.01, "the interval lies above 1 %"),
    ("novel", float("-inf"), "the interval reaches down to 1 %"),
)


class Check(NamedTuple):
    """One control held against its rule; `estimate` is None where the control or its copy rate is missing."""

    control: str
    rule: str
    estimate: Estimate | None
    passed: bool


class Judgement(NamedTuple):
    state: str  # "passed", "failed" or "missing"
    checks: list[Check]
    verdicts: dict[str, str]  # run name -> verdict, empty unless passed


def judge(runs: Sequence[RunResult]) -> Judgement:
    """The controls' checks, and the verdicts on the models of the same dataset if every check passes."""
    checks = [check for control in RULES for check in _checks(control, runs)]
    if any(check.estimate and not check.passed for check in checks):
        return Judgement("failed", checks, {})
    if not all(check.passed for check in checks):
        return Judgement("missing", checks, {})
    models = [run for run in runs if run.control is None and "copy_rate" in run.estimates]
    return Judgement("passed", checks, {run.name: verdict(run.estimates["copy_rate"]) for run in models})


def verdict(copy_rate: Estimate) -> str:
    return next(name for name, bound, _ in VERDICTS if copy_rate.interval[0] > bound)


def _checks(control: str, runs: Sequence[RunResult]) -> list[Check]:
    rule, holds = RULES[control]
    found = [run.estimates.get("copy_rate") for run in runs if run.control == control]
    if not found and control in REQUIRED:
        found = [None]
    return [Check(control, rule, e, e is not None and holds(e)) for e in found]
