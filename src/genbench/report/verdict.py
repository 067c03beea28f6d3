"""Is a model's output new? A verdict is given only where the controls come out right."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from genbench.report.results import Row, RunResult, runs_of
from genbench.scoring.catalogue import QUALITY, SCORES, Score
from genbench.scoring.estimates import Estimate

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
EQUIVALENT = {"uniform_tokens": "noise"}  # what is noise where elements are sequences of tokens
REQUIRED = ("real", "copycat", "tenth_copycat", "noise")
VERDICTS = (
    ("copies", "the interval of the copy rate lies above 50 %"),
    (
        "suspicious",
        "the interval of the copy rate lies above {chance}, or that of another informative score lies beyond "
        "that of real on the side of the copies",
    ),
    ("novel", "neither"),
)
COPIES = ("copycat", "noisy_copycat", "tenth_copycat")


class Check(NamedTuple):
    """One control held against its rule: the copy rate of each seed, none where the control or its rate is missing."""

    control: str
    rule: str
    estimates: list[Estimate]
    passed: bool


class Power(NamedTuple):
    """Which controls a score tells from `real` by intervals that do not overlap, on the side it should.

    With several seeds, each one of the control from each one of `real`.
    """

    name: str
    score: Score
    tells: dict[str, bool]

    @property
    def informative(self) -> bool:
        return all(self.tells.values())


class Judgement(NamedTuple):
    state: str  # "passed", "failed", "missing", or "idle" where no score of copies exists
    checks: list[Check]
    verdicts: dict[str, str]  # run name -> verdict, empty unless passed
    rules: list[tuple[str, str]]  # verdict -> its rule in words
    powers: list[Power]  # empty without the control `real`

    @property
    def missing(self) -> list[str]:
        """The controls that a verdict needs and that have no run."""
        return [check.control for check in self.checks if not check.estimates]

    def of(self, row: Row) -> str | None:
        """The worst verdict on a row's runs."""
        found = {self.verdicts.get(run.name) for run in row.runs}
        return next((verdict for verdict, _ in VERDICTS if verdict in found), None)


def assess(rows: Sequence[Row]) -> Judgement:
    """The controls' checks, and the verdicts on all runs of the same dataset, controls too, if every check passes."""
    runs = runs_of(rows)
    chance = chance_of(runs)
    checks = [check for control in RULES for check in _checks(control, rows, chance)]
    rules = [(name, _words(rule, chance)) for name, rule in VERDICTS]
    powers = _powers(runs)
    if not any("copy_rate" in run.estimates for run in runs):
        return Judgement("idle", checks, {}, rules, powers)
    if any(check.estimates and not check.passed for check in checks):
        return Judgement("failed", checks, {}, rules, powers)
    if not all(check.passed for check in checks):
        return Judgement("missing", checks, {}, rules, powers)
    judged = [run for run in runs if "copy_rate" in run.estimates]
    informative = [power for power in powers if power.informative and power.score.copying]
    real = [run for run in runs if run.control == "real"]
    verdicts = {run.name: _verdict(run, real, informative, chance) for run in judged}
    return Judgement("passed", checks, verdicts, rules, powers)


def chance_of(runs: Sequence[RunResult]) -> float:
    """The copy rate that new images have: 1 % by construction, or the share of real ones that are flagged, if larger.

    It is larger where real images repeat each other exactly, as small binary ones do.
    """
    return max([QUANTILE, *(float(run.novelty.get("false_positive_rate", 0)) for run in runs)])


def _verdict(run: RunResult, real: Sequence[RunResult], informative: Sequence[Power], chance: float) -> str:
    rate = run.estimates["copy_rate"]
    if rate.interval[0] > 0.5:
        return "copies"
    others = [power for power in informative if power.name != "copy_rate"]
    beyond = any(_beyond(power.name, run, real, power.score.copying) for power in others)
    return "suspicious" if beyond or rate.interval[0] > chance else "novel"


def _powers(runs: Sequence[RunResult]) -> list[Power]:
    """Novelty scores must tell every kind of copies from real data, and not take noise for copies.

    Quality scores must tell noise, and the baselines that know the data, from real data.
    """
    controls: dict[str, list[RunResult]] = {}
    for run in runs:
        if run.control:
            controls.setdefault(run.control, []).append(run)
    real, found = controls.get("real", []), []
    for name, score in SCORES.items():
        if not any(name in run.estimates for run in real):
            continue
        told = {}
        if score.copying:
            told = {c: all(_apart(name, controls[c], real, score.copying)) for c in COPIES if c in controls}
            if "noise" in controls:
                told["noise"] = not any(_apart(name, controls["noise"], real, score.copying))
        elif score.group == QUALITY and score.better in ("up", "down"):
            worse = "down" if score.better == "up" else "up"
            baselines = ("noise", "pca_gaussian", "independent_pixels")
            told = {c: all(_apart(name, controls[c], real, worse)) for c in baselines if c in controls}
        if told:
            found.append(Power(name, score, told))
    return found


def _apart(name: str, runs: Sequence[RunResult], real: Sequence[RunResult], side: str) -> list[bool]:
    return [_beyond(name, run, real, side) for run in runs]


def _beyond(name: str, run: RunResult, real: Sequence[RunResult], side: str | None) -> bool:
    """Whether the run's whole interval lies on one side of the whole interval of real data."""
    if name not in run.estimates:
        return False
    low, high = run.estimates[name].interval
    floors = [each.estimates[name].interval for each in real if name in each.estimates]
    return bool(floors) and all(low > most if side == "up" else high < least for least, most in floors)


def _words(rule: str, chance: float) -> str:
    return rule.format(chance=f"{100 * chance:.3g} %")


def _checks(control: str, rows: Sequence[Row], chance: float) -> list[Check]:
    rule, holds = RULES[control]
    found = [
        [run.estimates["copy_rate"] for run in row.having("copy_rate")]
        for row in rows
        if EQUIVALENT.get(row.control or "", row.control) == control
    ]
    if not found and control in REQUIRED:
        found = [[]]
    return [
        Check(control, _words(rule, chance), rates, bool(rates) and all(holds(e, chance) for e in rates))
        for rates in found
    ]
