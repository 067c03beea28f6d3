"""Is a model's output new? A verdict is given only where the controls come out right."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from genbench.report.results import Estimate, RunResult

QUANTILE = 0.01
# Each rule in words, {chance} to be filled in, and as a test of (copy rate, chance).
RULES: dict[str, tuple[str, Callable[[Estimate, float], bool]]] = {
    "real": ("interval reaches down to {chance}", lambda e, chance: e.interval[0] <= chance),
    "copycat": ("rate ≥ 95 %", lambda e, chance: e.value >= 0.95),
    "tenth_copycat": (
        "interval within 3 points of 10 % copies among {chance} chance hits",
        lambda e, chance: (
            e.interval[0] - 0.03 <= 0.1 + 0.9 * chance and 0.1 + 0.9 * chance <= e.interval[1] + 0.03
        ),
    ),
    "noise": ("rate ≤ {chance}", lambda e, chance: e.value <= chance),
    "noisy_copycat": ("interval above {chance}", lambda e, chance: e.interval[0] > chance),
}
REQUIRED = ("real", "copycat", "tenth_copycat", "noise")
# The first whose bound the interval's low end exceeds.
VERDICTS: tuple[tuple[str, str, Callable[[Estimate, float], bool]], ...] = (
    ("copies", "the interval lies above 50 %", lambda e, chance: e.interval[0] > 0.5),
    ("suspicious", "the interval lies above {chance}", lambda e, chance: e.interval[0] > chance),
    ("novel", "the interval reaches down to {chance}", lambda e, chance: True),
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
    rules: list[tuple[str, str]]  # verdict -> its rule in words


def judge(runs: Sequence[RunResult]) -> Judgement:
    """The controls' checks, and the verdicts on the models of the same dataset if every check passes."""
    chance = chance_of(runs)
    checks = [check for control in RULES for check in _checks(control, runs, chance)]
    rules = [(name, _words(rule, chance)) for name, rule, _ in VERDICTS]
    if any(check.estimate and not check.passed for check in checks):
        return Judgement("failed", checks, {}, rules)
    if not all(check.passed for check in checks):
        return Judgement("missing", checks, {}, rules)
    models = [run for run in runs if run.control is None and "copy_rate" in run.estimates]
    verdicts = {run.name: verdict(run.estimates["copy_rate"], chance) for run in models}
    return Judgement("passed", checks, verdicts, rules)


def chance_of(runs: Sequence[RunResult]) -> float:
    """The copy rate that new images have: 1 % by construction, or the share of real ones that are flagged, if larger.

    It is larger where real images repeat each other exactly, as small binary ones do.
    """
    return max([QUANTILE, *(float(run.novelty.get("false_positive_rate", 0)) for run in runs)])


def verdict(copy_rate: Estimate, chance: float) -> str:
    return next(name for name, _, holds in VERDICTS if holds(copy_rate, chance))


def _words(rule: str, chance: float) -> str:
    return rule.format(chance=f"{100 * chance:.3g} %")


def _checks(control: str, runs: Sequence[RunResult], chance: float) -> list[Check]:
    rule, holds = RULES[control]
    found = [run.estimates.get("copy_rate") for run in runs if run.control == control]
    if not found and control in REQUIRED:
        found = [None]
    return [Check(control, _words(rule, chance), e, e is not None and holds(e, chance)) for e in found]
